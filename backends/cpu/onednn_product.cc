#include "backends/cpu/onednn_product.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "dnnl.hpp"

namespace engine::cpu {
namespace {

using dnnl::memory;

// The OpenMP runtime that oneDNN runs on. Not linked: whichever it is, a second one in the process would be trouble.
struct OpenMp {
  void (*set_num_threads)(int) = nullptr;
  int (*get_max_threads)() = nullptr;

  static absl::StatusOr<OpenMp> Find() {
    if (dnnl_version()->cpu_runtime == DNNL_RUNTIME_SEQ) return OpenMp{};
    if (dnnl_version()->cpu_runtime != DNNL_RUNTIME_OMP) {
      return Unimplemented(
          "oneDNN was built for another thread runtime than OpenMP and would start threads of its own");
    }
    Dl_info library{};
    dladdr(reinterpret_cast<void*>(&dnnl_version), &library);
    // Looks into the library and what it depends on; the program's own scope serves a static oneDNN.
    void* handle = library.dli_fname != nullptr ? dlopen(library.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : nullptr;
    if (handle == nullptr) handle = dlopen(nullptr, RTLD_LAZY);
    const OpenMp found{reinterpret_cast<void (*)(int)>(dlsym(handle, "omp_set_num_threads")),
                       reinterpret_cast<int (*)()>(dlsym(handle, "omp_get_max_threads"))};
    dlclose(handle);
    if (found.set_num_threads == nullptr || found.get_max_threads == nullptr) {
      return Unimplemented("oneDNN's OpenMP runtime has no omp_set_num_threads, so its threads cannot be kept at one");
    }
    return found;
  }
};

// OpenMP code that this thread calls runs on this thread: oneDNN freezes some primitives' threads when they are made and
// asks again for others when they run. What the thread had before comes back, for it may be the caller's.
class OneThread {
 public:
  explicit OneThread(const OpenMp& open_mp) : open_mp_(open_mp) {
    if (open_mp_.set_num_threads == nullptr) return;
    saved_ = open_mp_.get_max_threads();
    open_mp_.set_num_threads(1);
  }
  ~OneThread() {
    if (open_mp_.set_num_threads != nullptr) open_mp_.set_num_threads(saved_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  const OpenMp& open_mp_;
  int saved_ = 1;
};

// AMX and the instruction sets above add in another order, so the limit is exact in both directions. It holds for the
// process and can be set only before oneDNN's first use: the first device that asks has it.
absl::Status LimitInstructions(Isa isa) {
  const dnnl::cpu_isa wanted = isa == Isa::kAvx512 ? dnnl::cpu_isa::avx512_core_bf16 : dnnl::cpu_isa::avx2;
  dnnl_set_max_cpu_isa(static_cast<dnnl_cpu_isa_t>(wanted));
  if (dnnl::get_effective_cpu_isa() == wanted) return absl::OkStatus();
  return FailedPrecondition(
      "oneDNN is not held to %s in this process: it was used before with another instruction set, or lacks this one",
      Name(isa));
}

memory::data_type TypeOf(DType dtype) {
  return dtype == DType::kBF16 ? memory::data_type::bf16 : memory::data_type::f32;
}

// The panel as oneDNN names it, best first. The f32 panel is also a plain matrix, for code that packs by itself.
std::vector<memory::desc> PanelsAs(DType dtype, int64_t k) {
  using Tag = memory::format_tag;
  const memory::dims dims = {k, kWidePanelRows};
  if (dtype == DType::kBF16) return {{dims, TypeOf(dtype), Tag::BA16a64b2a}};
  return {{dims, TypeOf(dtype), Tag::BA16a64b}, {dims, TypeOf(dtype), Tag::ab}};
}

// A primitive and, for each worker, the memory objects whose pointers a call sets.
struct Block {
  dnnl::matmul::primitive_desc desc;
  dnnl::matmul primitive;
  struct Arguments {
    std::array<memory, 4> memories;
    std::array<dnnl_exec_arg_t, 4> list;
  };
  std::vector<Arguments> of_worker;
};

// brgemm reads panels in place, the older gemm packs matrices; everything else is oneDNN's reference.
bool IsFast(std::string_view implementation) {
  return implementation.starts_with("brg") || implementation.starts_with("gemm:jit");
}

absl::StatusOr<dnnl::matmul::primitive_desc> FastProduct(const dnnl::engine& engine, DType dtype, int64_t rows,
                                                         int64_t k) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const memory::desc x({rows, k}, TypeOf(dtype), memory::format_tag::ab);
  const memory::desc y({rows, kWidePanelRows}, memory::data_type::f32, memory::format_tag::ab);
  std::string offered = "nothing";
  for (const memory::desc& panel : PanelsAs(dtype, k)) {
    dnnl::matmul::primitive_desc desc(engine, x, panel, y, attributes, /*allow_empty=*/true);
    if (!desc) continue;
    offered = desc.impl_info_str();
    if (IsFast(offered) && static_cast<int64_t>(desc.weights_desc().get_size()) <= WidePanelBytes(dtype, k))
      return desc;
  }
  return Unimplemented("oneDNN has no fast product of %d rows and %s panels of k %d here; it offers %s", rows,
                       Name(dtype), k, offered);
}

Block::Arguments ArgumentsOf(const dnnl::engine& engine, const dnnl::matmul::primitive_desc& desc) {
  const auto make = [&](const memory::desc& d) { return memory(d, engine, DNNL_MEMORY_NONE); };
  Block::Arguments arguments{.memories = {make(desc.src_desc()), make(desc.weights_desc()), make(desc.dst_desc()),
                                          make(desc.scratchpad_desc())}};
  constexpr int kIds[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
  for (size_t i = 0; i < arguments.list.size(); ++i) arguments.list[i] = {kIds[i], arguments.memories[i].get()};
  return arguments;
}

}  // namespace

struct OneDnnProduct::Primitives {
  OpenMp open_mp;
  dnnl::engine engine;
  std::vector<dnnl::stream> streams;  // of each worker
  std::vector<Block> blocks;          // of each kBlockRows
  int64_t scratch_bytes = 0;

  absl::Status Make(const Shape& shape) {
    ASSIGN_OR_RETURN(open_mp, OpenMp::Find());
    RETURN_IF_ERROR(LimitInstructions(shape.isa));
    const OneThread one_thread(open_mp);
    engine = dnnl::engine(dnnl::engine::kind::cpu, 0);
    for (int worker = 0; worker < shape.workers; ++worker) streams.emplace_back(engine);
    for (const int rows : kBlockRows) {
      ASSIGN_OR_RETURN(dnnl::matmul::primitive_desc desc, FastProduct(engine, shape.weight, rows, shape.k));
      scratch_bytes = std::max(scratch_bytes, static_cast<int64_t>(desc.scratchpad_desc().get_size()));
      Block& block = blocks.emplace_back(Block{.desc = desc, .primitive = dnnl::matmul(desc)});
      for (int worker = 0; worker < shape.workers; ++worker) block.of_worker.push_back(ArgumentsOf(engine, desc));
    }
    return absl::OkStatus();
  }
};

OneDnnProduct::OneDnnProduct(std::unique_ptr<Primitives> primitives) : primitives_(std::move(primitives)) {}
OneDnnProduct::~OneDnnProduct() = default;

absl::StatusOr<std::unique_ptr<OneDnnProduct>> OneDnnProduct::Create(const Shape& shape) {
  auto primitives = std::make_unique<Primitives>();
  try {
    RETURN_IF_ERROR(primitives->Make(shape));
  } catch (const std::exception& error) {
    return Unimplemented("oneDNN failed for %s weights of k %d: %s", Name(shape.weight), shape.k, error.what());
  }
  return std::unique_ptr<OneDnnProduct>(new OneDnnProduct(std::move(primitives)));
}

int64_t OneDnnProduct::scratch_bytes() const { return primitives_->scratch_bytes; }

void OneDnnProduct::Run(const Call& call) const {
  const OneThread one_thread(primitives_->open_mp);
  const Block& block = primitives_->blocks[call.block];
  const Block::Arguments& arguments = block.of_worker[call.worker];
  const void* const pointers[] = {call.rows, call.panel, call.out, call.scratch};
  for (size_t i = 0; i < arguments.list.size(); ++i) {
    dnnl_memory_set_data_handle(arguments.list[i].memory, const_cast<void*>(pointers[i]));
  }
  const dnnl_status_t status = dnnl_primitive_execute(block.primitive.get(), primitives_->streams[call.worker].get(),
                                                      static_cast<int>(arguments.list.size()), arguments.list.data());
  ENGINE_CHECK(status == dnnl_success);  // what can fail did so when the primitive was made and probed
}

}  // namespace engine::cpu

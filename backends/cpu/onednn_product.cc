#include "backends/cpu/onednn_product.h"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <vector>

#include "backends/cpu/onednn_library.h"
#include "core/base/check.h"

namespace engine::cpu {
namespace {

// OpenMP code that this thread calls runs on this thread: oneDNN freezes some primitives' threads when they are made and
// asks again for others when they run. What the thread had before comes back, for it may be the caller's.
class OneThread {
 public:
  explicit OneThread(const OneDnnLibrary& library) : library_(library) {
    if (library_.omp_set_num_threads == nullptr) return;
    saved_ = library_.omp_get_max_threads();
    library_.omp_set_num_threads(1);
  }
  ~OneThread() {
    if (library_.omp_set_num_threads != nullptr) library_.omp_set_num_threads(saved_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  const OneDnnLibrary& library_;
  int saved_ = 1;
};

dnnl_cpu_isa_t LimitOf(Isa isa) {
  if (isa == Isa::kAmx) return dnnl_cpu_isa_avx512_core_amx;
  return isa == Isa::kAvx512 ? dnnl_cpu_isa_avx512_core_bf16 : dnnl_cpu_isa_avx2;
}

// Each instruction set adds in an order of its own, so the limit is exact in both directions. It holds for the
// process and can be set only before oneDNN's first use: the first device that asks has it.
absl::Status LimitInstructions(const OneDnnLibrary& library, Isa isa) {
  const dnnl_cpu_isa_t wanted = LimitOf(std::min(isa, MachineIsa()));
  library.set_max_cpu_isa(wanted);
  if (library.get_effective_cpu_isa() == wanted) return absl::OkStatus();
  return FailedPrecondition(
      "oneDNN is not held to %s in this process: it was used before with another instruction set, or lacks this one",
      Name(isa));
}

// What a C function makes and another one frees.
template <typename Object>
using Owned = std::unique_ptr<std::remove_pointer_t<Object>, dnnl_status_t (*)(Object)>;

// make(&object)
template <typename Object, typename Make>
absl::StatusOr<Owned<Object>> Own(const char* what, dnnl_status_t (*destroy)(Object), Make&& make) {
  Object object = nullptr;
  const dnnl_status_t status = make(&object);
  if (status == dnnl_success) return Owned<Object>(object, destroy);
  return Unimplemented("oneDNN makes no %s here: status %d", what, static_cast<int>(status));
}

dnnl_data_type_t TypeOf(DType dtype) { return dtype == DType::kBF16 ? dnnl_bf16 : dnnl_f32; }

// The panel as oneDNN names it, best first. The f32 panel is also a plain matrix, for code that packs by itself.
std::vector<dnnl_format_tag_t> PanelTags(DType dtype) {
  if (dtype == DType::kBF16) return {dnnl_BA16a64b2a};
  return {dnnl_BA16a64b, dnnl_ab};
}

// brgemm reads panels in place, the older gemm packs matrices; everything else is oneDNN's reference.
bool IsFast(std::string_view implementation, const OneDnnProduct::Shape& shape) {
  const bool wants_amx = shape.weight == DType::kBF16 && std::min(shape.isa, MachineIsa()) == Isa::kAmx;
  if (wants_amx && implementation.find("amx") == std::string_view::npos) return false;
  return implementation.starts_with("brg") || implementation.starts_with("gemm:jit");
}

// A primitive and, for each worker, the memory objects whose pointers a call sets.
struct Block {
  Owned<dnnl_primitive_desc_t> desc;
  Owned<dnnl_primitive_t> primitive;
  struct Arguments {
    std::vector<Owned<dnnl_memory_t>> memories;
    std::array<dnnl_exec_arg_t, 4> list;
  };
  std::vector<Arguments> of_worker;
};

}  // namespace

struct OneDnnProduct::Primitives {
  OneDnnLibrary library;
  Owned<dnnl_engine_t> engine{nullptr, nullptr};
  std::vector<Owned<dnnl_stream_t>> streams;  // of each worker
  std::vector<Block> blocks;                  // of each kBlockRows
  int64_t scratch_bytes = 0;

  absl::Status Make(const Shape& shape) {
    ASSIGN_OR_RETURN(library, OneDnnLibrary::Open());
    RETURN_IF_ERROR(LimitInstructions(library, shape.isa));
    const OneThread one_thread(library);
    ASSIGN_OR_RETURN(engine, Own<dnnl_engine_t>("engine", library.engine_destroy, [&](dnnl_engine_t* made) {
                       return library.engine_create(made, dnnl_cpu, 0);
                     }));
    for (int worker = 0; worker < shape.workers; ++worker) {
      ASSIGN_OR_RETURN(auto stream, Own<dnnl_stream_t>("stream", library.stream_destroy, [&](dnnl_stream_t* made) {
                         return library.stream_create(made, engine.get(), dnnl_stream_default_flags);
                       }));
      streams.push_back(std::move(stream));
    }
    for (const int rows : kBlockRows) {
      ASSIGN_OR_RETURN(Block block, MakeBlock(shape, rows));
      blocks.push_back(std::move(block));
    }
    return absl::OkStatus();
  }

 private:
  using Matrix = Owned<dnnl_memory_desc_t>;

  absl::StatusOr<Matrix> MatrixOf(int64_t rows, int64_t columns, dnnl_data_type_t type, dnnl_format_tag_t tag) const {
    const dnnl_dims_t dims = {rows, columns};
    return Own<dnnl_memory_desc_t>("matrix", library.memory_desc_destroy, [&](dnnl_memory_desc_t* made) {
      return library.memory_desc_create_with_tag(made, 2, dims, type, tag);
    });
  }

  size_t BytesOf(const Block& block, dnnl_query_t which) const {
    return library.memory_desc_get_size(library.primitive_desc_query_md(block.desc.get(), which, 0));
  }

  // With panels as `tag` says; `offered` is what the library has for it.
  absl::StatusOr<Owned<dnnl_primitive_desc_t>> Product(const Shape& shape, int64_t rows, dnnl_format_tag_t tag,
                                                       std::string& offered) const {
    const dnnl_data_type_t type = TypeOf(shape.weight);
    ASSIGN_OR_RETURN(const Matrix x, MatrixOf(rows, shape.k, type, dnnl_ab));
    ASSIGN_OR_RETURN(const Matrix panel, MatrixOf(shape.k, kWidePanelRows, type, tag));
    ASSIGN_OR_RETURN(const Matrix y, MatrixOf(rows, kWidePanelRows, dnnl_f32, dnnl_ab));
    ASSIGN_OR_RETURN(const auto attributes,
                     Own<dnnl_primitive_attr_t>("attributes", library.primitive_attr_destroy,
                                                [&](auto* made) { return library.primitive_attr_create(made); }));
    library.primitive_attr_set_scratchpad_mode(attributes.get(), dnnl_scratchpad_mode_user);
    ASSIGN_OR_RETURN(auto desc, Own<dnnl_primitive_desc_t>("product", library.primitive_desc_destroy, [&](auto* made) {
                       return library.matmul_primitive_desc_create(made, engine.get(), x.get(), panel.get(), nullptr,
                                                                   y.get(), attributes.get());
                     }));
    const char* name = "";
    library.primitive_desc_query(desc.get(), dnnl_query_impl_info_str, 0, static_cast<void*>(&name));
    offered = name;
    return desc;
  }

  absl::StatusOr<Block> MakeBlock(const Shape& shape, int64_t rows) {
    std::string offered = "nothing";
    for (const dnnl_format_tag_t tag : PanelTags(shape.weight)) {
      auto desc = Product(shape, rows, tag, offered);
      if (!desc.ok()) continue;
      Block block{.desc = *std::move(desc), .primitive = {nullptr, nullptr}, .of_worker = {}};
      const auto weight_bytes = static_cast<int64_t>(BytesOf(block, dnnl_query_weights_md));
      if (!IsFast(offered, shape) || weight_bytes > WidePanelBytes(shape.weight, shape.k)) continue;
      ASSIGN_OR_RETURN(block.primitive,
                       Own<dnnl_primitive_t>("primitive", library.primitive_destroy, [&](dnnl_primitive_t* made) {
                         return library.primitive_create(made, block.desc.get());
                       }));
      scratch_bytes = std::max(scratch_bytes, static_cast<int64_t>(BytesOf(block, dnnl_query_scratchpad_md)));
      for (int worker = 0; worker < shape.workers; ++worker) {
        ASSIGN_OR_RETURN(auto arguments, ArgumentsOf(block));
        block.of_worker.push_back(std::move(arguments));
      }
      return block;
    }
    return Unimplemented("oneDNN has no fast product of %d rows and %s panels of k %d here; it offers %s", rows,
                         Name(shape.weight), shape.k, offered);
  }

  absl::StatusOr<Block::Arguments> ArgumentsOf(const Block& block) const {
    constexpr std::pair<int, dnnl_query_t> kArguments[] = {{DNNL_ARG_SRC, dnnl_query_src_md},
                                                           {DNNL_ARG_WEIGHTS, dnnl_query_weights_md},
                                                           {DNNL_ARG_DST, dnnl_query_dst_md},
                                                           {DNNL_ARG_SCRATCHPAD, dnnl_query_scratchpad_md}};
    Block::Arguments arguments;
    for (size_t i = 0; i < arguments.list.size(); ++i) {
      const const_dnnl_memory_desc_t desc = library.primitive_desc_query_md(block.desc.get(), kArguments[i].second, 0);
      ASSIGN_OR_RETURN(auto memory, Own<dnnl_memory_t>("memory", library.memory_destroy, [&](dnnl_memory_t* made) {
                         return library.memory_create(made, desc, engine.get(), DNNL_MEMORY_NONE);
                       }));
      arguments.list[i] = {kArguments[i].first, memory.get()};
      arguments.memories.push_back(std::move(memory));
    }
    return arguments;
  }
};

OneDnnProduct::OneDnnProduct(std::unique_ptr<Primitives> primitives) : primitives_(std::move(primitives)) {}
OneDnnProduct::~OneDnnProduct() = default;

absl::StatusOr<std::unique_ptr<OneDnnProduct>> OneDnnProduct::Create(const Shape& shape) {
  auto primitives = std::make_unique<Primitives>();
  RETURN_IF_ERROR(primitives->Make(shape));
  return std::unique_ptr<OneDnnProduct>(new OneDnnProduct(std::move(primitives)));
}

int64_t OneDnnProduct::scratch_bytes() const { return primitives_->scratch_bytes; }

void OneDnnProduct::Run(const Call& call) const {
  const OneDnnLibrary& library = primitives_->library;
  const OneThread one_thread(library);
  const Block& block = primitives_->blocks[call.block];
  const Block::Arguments& arguments = block.of_worker[call.worker];
  const void* const pointers[] = {call.rows, call.panel, call.out, call.scratch};
  for (size_t i = 0; i < arguments.list.size(); ++i) {
    library.memory_set_data_handle(arguments.list[i].memory, const_cast<void*>(pointers[i]));
  }
  const dnnl_status_t status =
      library.primitive_execute(block.primitive.get(), primitives_->streams[call.worker].get(),
                                static_cast<int>(arguments.list.size()), arguments.list.data());
  ENGINE_CHECK(status == dnnl_success);  // what can fail did so when the primitive was made and probed
}

}  // namespace engine::cpu

// How close paged attention comes to the machine's roofs: memory for decoding sequences, bf16 pairs for a prompt. Every
// repetition is framed by two probes, and the median ratio is printed.
//   attention_bench [--threads N] [--heads H --kv_heads K --head_dim D] [--context 512,4096] [--dtype bf16|int8|f32]
//                   [--window W]
#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "backends/cpu/cpu_device.h"
#include "backends/cpu/kernels.h"
#include "benchmarks/machine_probe.h"
#include "core/base/bf16.h"
#include "ops/kv_layout.h"
#include "ops/paged_attention.h"

ABSL_FLAG(int, threads, 0, "workers; 0: as many as the process may run on");
ABSL_FLAG(int, heads, 16, "query heads");
ABSL_FLAG(int, kv_heads, 8, "");
ABSL_FLAG(int, head_dim, 128, "");
ABSL_FLAG(int, window, 0, "0: none");
ABSL_FLAG(int, mib, 256, "K and V that decoding walks through, in sequences; keep it above the last cache");
ABSL_FLAG(bool, cpu_time, false, "count the time threads ran instead of the wall's: for a shared machine");
ABSL_FLAG(int, repetitions, 7, "");
ABSL_FLAG(std::string, dtype, "bf16", "of the cache: f32, bf16 or int8");
ABSL_FLAG(std::vector<std::string>, context, (std::vector<std::string>{"512", "4096"}), "tokens of a sequence");

namespace engine {
namespace {

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// `sequences` of `context` tokens each, of which the last `query` are new.
struct Load {
  int sequences;
  int context;
  int query;
};

class AttentionBench {
 public:
  static absl::StatusOr<AttentionBench> Create();
  absl::Status Run(const Load& load);

  int64_t token_bytes() const {
    return RowBytes(dtype_, int64_t{2} * op_.kv_heads * KvPartElements(dtype_, op_.head_dim)) / kKvBlockTokens;
  }

 private:
  double Seconds(const Kernel& kernel, std::span<const Tensor> in, const Tensor& out, std::span<std::byte> scratch,
                 const Load& load);
  absl::StatusOr<Buffer> Queries(int64_t count);
  absl::StatusOr<Buffer> Cache(int64_t blocks);
  absl::StatusOr<Buffer> Integers(std::span<const int32_t> values);

  std::unique_ptr<Device> device_;
  std::unique_ptr<ThreadTeam> team_;
  cpu::Isa isa_;
  KernelRegistry registry_;
  PagedAttention op_;
  DType dtype_;
};

absl::StatusOr<AttentionBench> AttentionBench::Create() {
  AttentionBench bench;
  ASSIGN_OR_RETURN(bench.device_, CpuDevice::Create({.threads = absl::GetFlag(FLAGS_threads)}));
  ASSIGN_OR_RETURN(bench.team_, ThreadTeam::Create({.num_threads = bench.device_->info().workers}));
  ASSIGN_OR_RETURN(bench.isa_, cpu::DetectIsa());
  RegisterCpuKernels(bench.registry_);
  const std::string dtype = absl::GetFlag(FLAGS_dtype);
  if (dtype != "f32" && dtype != "bf16" && dtype != "int8") return InvalidArgument("--dtype: f32, bf16 or int8");
  bench.dtype_ = dtype == "int8" ? DType::kI8 : *ParseDType(dtype);
  bench.op_ = {.heads = absl::GetFlag(FLAGS_heads),
               .kv_heads = absl::GetFlag(FLAGS_kv_heads),
               .head_dim = absl::GetFlag(FLAGS_head_dim),
               .scale = 0.1f,
               .window = absl::GetFlag(FLAGS_window)};
  return bench;
}

// Numbers between -1 and 1; those of int8 have no scale.
void Fill(DType dtype, int64_t count, std::byte* out) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = static_cast<float>(i * 37 % 101) / 50.0f - 1.0f;
    if (dtype == DType::kF32) {
      reinterpret_cast<float*>(out)[i] = value;
    } else if (dtype == DType::kBF16) {
      reinterpret_cast<uint16_t*>(out)[i] = F32ToBf16(value);
    } else {
      reinterpret_cast<int8_t*>(out)[i] = static_cast<int8_t>(127 * value);
    }
  }
}

absl::StatusOr<Buffer> AttentionBench::Queries(int64_t count) {
  const DType dtype = KvOperandDType(dtype_);
  ASSIGN_OR_RETURN(Buffer buffer, device_->Allocate(RowBytes(dtype, count), MemoryKind::kDevice));
  Fill(dtype, count, buffer.data());
  return buffer;
}

absl::StatusOr<Buffer> AttentionBench::Cache(int64_t blocks) {
  const int64_t part = KvPartElements(dtype_, op_.head_dim);
  const int64_t parts = blocks * op_.kv_heads * 2;
  ASSIGN_OR_RETURN(Buffer buffer, device_->Allocate(RowBytes(dtype_, parts * part), MemoryKind::kDevice));
  for (int64_t p = 0; p < parts; ++p) {
    std::byte* const begin = buffer.data() + RowBytes(dtype_, p * part);
    Fill(dtype_, kKvBlockTokens * op_.head_dim, begin);
    if (dtype_ != DType::kI8) continue;
    std::fill_n(reinterpret_cast<float*>(begin + KvScalesOffset(op_.head_dim)), kKvBlockTokens, 1.0f / 127);
  }
  return buffer;
}

absl::StatusOr<Buffer> AttentionBench::Integers(std::span<const int32_t> values) {
  ASSIGN_OR_RETURN(Buffer buffer, device_->Allocate(static_cast<int64_t>(values.size_bytes()), MemoryKind::kDevice));
  std::copy(values.begin(), values.end(), reinterpret_cast<int32_t*>(buffer.data()));
  return buffer;
}

double AttentionBench::Seconds(const Kernel& kernel, std::span<const Tensor> in, const Tensor& out,
                               std::span<std::byte> scratch, const Load& load) {
  const StepExtents extents{.tokens = load.sequences * load.query,
                            .sequences = load.sequences,
                            .decode_sequences = load.query == 1 ? load.sequences : 0,
                            .max_query = load.query,
                            .max_context = load.context};
  const Stopwatch watch(absl::GetFlag(FLAGS_cpu_time) ? Clock::kThreads : Clock::kWall, team_->num_threads());
  team_->Run([&](Worker& worker) { kernel.Launch({in, std::span(&out, 1), scratch, extents, worker}); });
  return watch.seconds();
}

// 2 products of head_dim multiply-adds per query head and visible position.
double Operations(const PagedAttention& op, const Load& load) {
  double visible = 0;
  for (int j = load.context - load.query; j < load.context; ++j)
    visible += op.window > 0 ? std::min(j + 1, op.window) : j + 1;
  return 4.0 * op.head_dim * op.heads * visible * load.sequences;
}

absl::Status AttentionBench::Run(const Load& load) {
  const int64_t blocks = (load.context + kKvBlockTokens - 1) / kKvBlockTokens;
  const int64_t tokens = int64_t{load.sequences} * load.query;
  const int64_t row = int64_t{op_.heads} * op_.head_dim;
  const OpRef op(SchemaOf(op_), op_);
  const TensorSpec per_sequence{DType::kI32, {kSequences}};
  const TensorSpec in[] = {{KvOperandDType(dtype_), {kTokens, row}},
                           KvCacheSpec(dtype_, op_.kv_heads, op_.head_dim),
                           {DType::kI32, {kSequences, blocks}},
                           per_sequence,
                           per_sequence,
                           per_sequence};
  const TensorSpec out[] = {{DType::kF32, {kTokens, row}}};
  const RowRange ranges[] = {{1, tokens}};
  const Problem problem{op, in, out, ranges, Numerics::kExact, device_->info()};
  const Selection selection = registry_.Select(problem);
  ASSIGN_OR_RETURN(const std::unique_ptr<Kernel> kernel, selection.entry->prepare(problem));

  std::vector<int32_t> table(load.sequences * blocks), start(load.sequences), query(load.sequences, load.query);
  std::iota(table.begin(), table.end(), 0);
  for (int s = 0; s < load.sequences; ++s) start[s] = s * load.query;
  const std::vector<int32_t> context(load.sequences, load.context);
  ASSIGN_OR_RETURN(const Buffer q, Queries(tokens * row));
  ASSIGN_OR_RETURN(const Buffer cache, Cache(load.sequences * blocks));
  ASSIGN_OR_RETURN(const Buffer table_data, Integers(table));
  ASSIGN_OR_RETURN(const Buffer start_data, Integers(start));
  ASSIGN_OR_RETURN(const Buffer query_data, Integers(query));
  ASSIGN_OR_RETURN(const Buffer context_data, Integers(context));
  ASSIGN_OR_RETURN(const Buffer y, device_->Allocate(tokens * row * int64_t{sizeof(float)}, MemoryKind::kDevice));
  ASSIGN_OR_RETURN(const Buffer scratch, device_->Allocate(kernel->scratch_bytes(), MemoryKind::kDevice));
  const Tensor inputs[] = {{q.data(), &in[0]},          {cache.data(), &in[1]},      {table_data.data(), &in[2]},
                           {start_data.data(), &in[3]}, {query_data.data(), &in[4]}, {context_data.data(), &in[5]}};
  const Tensor output{y.data(), &out[0]};
  const std::span<std::byte> room(scratch.data(), scratch.size());

  const bool decodes = load.query == 1;
  const int64_t seen = op_.window > 0 ? std::min(op_.window, load.context) : load.context;
  const double work = decodes ? static_cast<double>(load.sequences * seen * token_bytes()) : Operations(op_, load);
  const Clock clock = absl::GetFlag(FLAGS_cpu_time) ? Clock::kThreads : Clock::kWall;
  const auto roof_now = [&] {
    return decodes ? ReadRate(*team_, isa_, {cache.data(), static_cast<size_t>(cache.size())}, clock)
                   : Bf16Rate(*team_, isa_, clock);
  };
  std::vector<double> rates, ratios;
  Seconds(*kernel, inputs, output, room, load);
  for (int i = 0; i < absl::GetFlag(FLAGS_repetitions); ++i) {
    const double before = roof_now();
    rates.push_back(work / Seconds(*kernel, inputs, output, room, load));
    ratios.push_back(rates.back() / std::max(before, roof_now()));
  }
  std::printf("%-7s %3d x %5d tokens  %d threads  %-22s %6.1f G%s/s: %.2f of the roof (best %.2f)\n",
              decodes ? "decode" : "prefill", load.sequences, load.context, team_->num_threads(),
              std::string(selection.entry->name).c_str(), Median(rates) / 1e9, decodes ? "B" : "OP", Median(ratios),
              *std::max_element(ratios.begin(), ratios.end()));
  return absl::OkStatus();
}

absl::Status RunAll() {
  ASSIGN_OR_RETURN(AttentionBench bench, AttentionBench::Create());
  for (const std::string& text : absl::GetFlag(FLAGS_context)) {
    const int context = std::atoi(text.c_str());
    if (context < 1) return InvalidArgument("--context has %s; it must be a number of tokens, at least 1", text);
    const int64_t sequences = (int64_t{absl::GetFlag(FLAGS_mib)} << 20) / (context * bench.token_bytes());
    RETURN_IF_ERROR(
        bench.Run({.sequences = static_cast<int>(std::max<int64_t>(1, sequences)), .context = context, .query = 1}));
    RETURN_IF_ERROR(bench.Run({.sequences = 1, .context = context, .query = context}));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  const absl::Status status = engine::RunAll();
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(engine::Message(status)).c_str());
  return status.ok() ? 0 : 1;
}

// How close the linear kernels come to the machine's roofs. Every repetition is framed by two probes, and medians of the
// ratios are printed: memory for few rows, dot products for many.
//   linear_bench [--threads N] [--k K] [--n N] [--mib M] [--formats q4_0,q4_k] [--rows 1,4,512] [--entry linear.onednn]
#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "backends/cpu/cpu_device.h"
#include "backends/cpu/kernels.h"
#include "benchmarks/machine_probe.h"
#include "core/tensor/q8_row.h"
#include "core/weights/quant.h"
#include "ops/linear.h"

ABSL_FLAG(int, threads, 0, "workers; 0: as many as the process may run on");
ABSL_FLAG(int, k, 2048, "inputs of the linear");
ABSL_FLAG(int, n, 2048, "outputs");
ABSL_FLAG(int, mib, 256, "weights to walk through, in matrices of n x k; keep it above the last cache");
ABSL_FLAG(bool, cpu_time, false, "count the time threads ran instead of the wall's: for a shared machine");
ABSL_FLAG(int, repetitions, 7, "");
ABSL_FLAG(std::vector<std::string>, formats, {"q4_0"}, "weight formats");
ABSL_FLAG(std::string, entry, "", "kernel entry to time; empty: the first that takes the format");
ABSL_FLAG(std::vector<std::string>, rows, (std::vector<std::string>{"1", "2", "4", "8", "16", "512"}), "rows of x");

namespace engine {
namespace {

Clock ClockFlag() { return absl::GetFlag(FLAGS_cpu_time) ? Clock::kThreads : Clock::kWall; }

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Matrices of one format, back to back, with plausible content.
struct Weights {
  TensorSpec spec;
  Buffer bytes;
  int64_t matrix_bytes;
  int64_t count;
};

absl::StatusOr<Weights> MakeWeights(Device& device, const WeightLayout& layout, DType dtype, int64_t n, int64_t k) {
  Weights weights{.spec = {dtype, {n, k}, layout.id}, .matrix_bytes = layout.bytes(dtype, n, k)};
  weights.count = std::max<int64_t>(1, (int64_t{absl::GetFlag(FLAGS_mib)} << 20) / weights.matrix_bytes);
  ASSIGN_OR_RETURN(weights.bytes, device.Allocate(weights.count * weights.matrix_bytes, MemoryKind::kDevice));
  std::vector<float> values(k);
  for (int64_t i = 0; i < k; ++i) values[i] = static_cast<float>(i * 37 % 101) / 50.0f - 1.0f;
  std::vector<std::byte> row(RowBytes(dtype, k));
  QuantizeRow(dtype, values, row);
  const std::vector<const std::byte*> rows(n, row.data());
  layout.pack({dtype, k, rows}, 0, n, weights.bytes.data());
  for (int64_t m = 1; m < weights.count; ++m) {
    std::copy_n(weights.bytes.data(), weights.matrix_bytes, weights.bytes.data() + m * weights.matrix_bytes);
  }
  return weights;
}

// What an engine prepares for, whatever is timed: its prefill has many rows.
constexpr int64_t kMaxRows = 2048;
constexpr RowRange kRanges[] = {{1, 1}, {2, 16}, {17, kMaxRows}};

// A linear of one format with its types, for Problem to point to.
struct LinearTypes {
  LinearTypes(DType dtype, int64_t n, int64_t k, LayoutId layout)
      : linear{.input = InputFor(dtype)},
        op(SchemaOf(linear), linear),
        in{{InputDType(linear.input), {kTokens, k}}, {dtype, {n, k}, layout}},
        out{{DType::kF32, {kTokens, n}}} {}

  Problem problem(const DeviceInfo& device) const { return {op, in, out, kRanges, Numerics::kInvariant, device}; }

  Linear linear;
  OpRef op;
  TensorSpec in[2];
  TensorSpec out[1];
};

absl::StatusOr<std::unique_ptr<Kernel>> PrepareNamed(const KernelEntry& entry, const Problem& problem) {
  RETURN_IF_ERROR(entry.supports(problem));
  return entry.prepare(problem);
}

class LinearBench {
 public:
  static absl::StatusOr<LinearBench> Create(DType dtype, int64_t n, int64_t k);
  absl::Status Run(int64_t rows);

 private:
  double SecondsPerPass(const Kernel& kernel, const Tensor& x, const Tensor& y, std::span<std::byte> scratch,
                        int64_t rows, int64_t matrices);
  absl::Status Prepare(DType dtype, int64_t n, int64_t k);

  std::unique_ptr<Device> device_;
  std::unique_ptr<ThreadTeam> team_;
  cpu::Isa isa_;
  KernelRegistry registry_;
  const KernelEntry* entry_ = nullptr;
  std::unique_ptr<Kernel> kernel_;
  Weights weights_;
};

// The named entry, or the first that prepares.
absl::Status LinearBench::Prepare(DType dtype, int64_t n, int64_t k) {
  const std::string name = absl::GetFlag(FLAGS_entry);
  absl::Status reason = InvalidArgument("--entry is %s, which linear has not on this device", name);
  for (const KernelEntry* entry : registry_.Entries("cpu", "linear")) {
    if (!name.empty() && entry->name != name) continue;
    const LinearTypes open(dtype, n, k, kOpenLayout);
    const LayoutId layout =
        entry->weight_layouts == nullptr ? kRowMajor : entry->weight_layouts(open.problem(device_->info()), 1)[0];
    const LinearTypes types(dtype, n, k, layout);
    absl::StatusOr<std::unique_ptr<Kernel>> kernel = PrepareNamed(*entry, types.problem(device_->info()));
    reason = kernel.status();
    if (!kernel.ok()) continue;
    entry_ = entry;
    kernel_ = *std::move(kernel);
    ASSIGN_OR_RETURN(weights_, MakeWeights(*device_, *registry_.FindLayout("cpu", layout), dtype, n, k));
    return absl::OkStatus();
  }
  return reason;
}

absl::StatusOr<LinearBench> LinearBench::Create(DType dtype, int64_t n, int64_t k) {
  LinearBench bench;
  ASSIGN_OR_RETURN(bench.device_, CpuDevice::Create({.threads = absl::GetFlag(FLAGS_threads)}));
  ASSIGN_OR_RETURN(bench.team_, ThreadTeam::Create({.num_threads = bench.device_->info().workers}));
  ASSIGN_OR_RETURN(bench.isa_, cpu::DetectIsa());
  RegisterCpuKernels(bench.registry_);
  RETURN_IF_ERROR(bench.Prepare(dtype, n, k));
  return bench;
}

double LinearBench::SecondsPerPass(const Kernel& kernel, const Tensor& x, const Tensor& y, std::span<std::byte> scratch,
                                   int64_t rows, int64_t matrices) {
  const StepExtents extents{.tokens = static_cast<int>(rows)};
  const Stopwatch watch(ClockFlag(), team_->num_threads());
  team_->Run([&](Worker& worker) {
    for (int64_t m = 0; m < matrices; ++m) {
      const Tensor in[] = {x, {weights_.bytes.data() + m * weights_.matrix_bytes, &weights_.spec}};
      kernel.Launch({in, std::span(&y, 1), scratch, extents, worker});
      worker.Barrier();
    }
  });
  return watch.seconds();
}

absl::Status LinearBench::Run(int64_t rows) {
  const int64_t n = weights_.spec.shape[0], k = weights_.spec.shape[1];
  if (rows < 1 || rows > kMaxRows) return InvalidArgument("--rows has %d; give 1 to %d", rows, kMaxRows);
  const LinearTypes types(weights_.spec.dtype, n, k, weights_.spec.layout);
  ASSIGN_OR_RETURN(const Buffer x, device_->Allocate(rows * types.in[0].row_bytes(), MemoryKind::kDevice));
  // Untouched memory is one page of zeros under many addresses, which caches dislike. Small numbers of any dtype:
  std::fill_n(x.data(), x.size(), std::byte{0x3c});
  ASSIGN_OR_RETURN(const Buffer y, device_->Allocate(rows * types.out[0].row_bytes(), MemoryKind::kDevice));
  ASSIGN_OR_RETURN(const Buffer scratch, device_->Allocate(kernel_->scratch_bytes(), MemoryKind::kDevice));
  const Tensor input{x.data(), &types.in[0]}, output{y.data(), &types.out[0]};
  const std::span<std::byte> room(scratch.data(), scratch.size());

  const bool memory_bound = rows < 16;
  const int64_t matrices = memory_bound ? weights_.count : 1;
  const double operations = 2.0 * static_cast<double>(rows * n * k * matrices);
  const double bytes = static_cast<double>(weights_.matrix_bytes * matrices);
  const std::span<const std::byte> all(weights_.bytes.data(), weights_.bytes.size());
  const auto roof_now = [&] {
    if (memory_bound) return ReadRate(*team_, isa_, all, ClockFlag());
    return types.linear.input == LinearInput::kQ8Group ? Int8Rate(*team_, isa_, ClockFlag())
                                                       : Bf16Rate(*team_, isa_, ClockFlag());
  };
  std::vector<double> ratios, rates, roofs;
  SecondsPerPass(*kernel_, input, output, room, rows, matrices);
  for (int i = 0; i < absl::GetFlag(FLAGS_repetitions); ++i) {
    const double before = roof_now();
    const double seconds = SecondsPerPass(*kernel_, input, output, room, rows, matrices);
    const double roof = std::max(before, roof_now());
    rates.push_back((memory_bound ? bytes : operations) / seconds);
    roofs.push_back(roof);
    ratios.push_back(rates.back() / roof);
  }
  std::printf("%-5s n %lld k %lld rows %4lld  %d threads  %-22s %6.1f G%s/s of %6.1f: %.2f  (best %.2f)  %.0f GOP/s\n",
              std::string(Name(weights_.spec.dtype)).c_str(), static_cast<long long>(n), static_cast<long long>(k),
              static_cast<long long>(rows), team_->num_threads(), std::string(entry_->name).c_str(),
              Median(rates) / 1e9, memory_bound ? "B" : "OP", Median(roofs) / 1e9, Median(ratios),
              *std::max_element(ratios.begin(), ratios.end()),
              Median(rates) / (memory_bound ? bytes : operations) * operations / 1e9);
  return absl::OkStatus();
}

absl::Status RunAll() {
  for (const std::string& name : absl::GetFlag(FLAGS_formats)) {
    const std::optional<DType> dtype = ParseDType(name);
    if (!dtype) return InvalidArgument("--formats has %s, which is no weight format", name);
    ASSIGN_OR_RETURN(LinearBench bench, LinearBench::Create(*dtype, absl::GetFlag(FLAGS_n), absl::GetFlag(FLAGS_k)));
    for (const std::string& rows : absl::GetFlag(FLAGS_rows)) RETURN_IF_ERROR(bench.Run(std::atoll(rows.c_str())));
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

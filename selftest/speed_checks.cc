#include "selftest/speed_checks.h"

#include <cstring>
#include <random>

#include "backends/backends.h"
#include "benchmarks/model_speed.h"
#include "benchmarks/op_list.h"
#include "benchmarks/op_speed.h"
#include "core/base/clock.h"

namespace engine {
namespace {

// The second time: the first one pays for pages that nobody has touched.
absl::StatusOr<double> TimedCopy(Stream& stream, std::byte* to, const std::byte* from, int64_t bytes) {
  double seconds = 0;
  for (int i = 0; i < 2; ++i) {
    const TimePoint start = Now();
    RETURN_IF_ERROR(stream.Copy(to, from, bytes));
    ASSIGN_OR_RETURN(const uint64_t ticket, stream.Record());
    RETURN_IF_ERROR(stream.Wait(ticket));
    seconds = SecondsSince(start);
  }
  return seconds;
}

// Up, across and down again.
absl::Status CopyAround(Device& device, std::string& figures) {
  constexpr int64_t kBytes = int64_t{256} << 20;  // more than a cache holds
  ASSIGN_OR_RETURN(const Buffer first, device.Allocate(kBytes, MemoryKind::kDevice));
  ASSIGN_OR_RETURN(const Buffer second, device.Allocate(kBytes, MemoryKind::kDevice));
  ASSIGN_OR_RETURN(const Buffer from, device.Allocate(kBytes, MemoryKind::kHost));
  ASSIGN_OR_RETURN(const Buffer back, device.Allocate(kBytes, MemoryKind::kHost));
  ASSIGN_OR_RETURN(const std::unique_ptr<Stream> stream, device.CreateStream());
  std::mt19937_64 random(2);
  for (int64_t i = 0; i < kBytes / 8; ++i) reinterpret_cast<uint64_t*>(from.data())[i] = random();
  ASSIGN_OR_RETURN(const double up, TimedCopy(*stream, first.data(), from.data(), kBytes));
  ASSIGN_OR_RETURN(const double across, TimedCopy(*stream, second.data(), first.data(), kBytes));
  ASSIGN_OR_RETURN(const double down, TimedCopy(*stream, back.data(), second.data(), kBytes));
  constexpr auto kGigabytes = static_cast<double>(kBytes) / 1e9;
  figures = absl::StrFormat("%.1f GB/s up, %.1f GB/s read and as much written on the device, %.1f GB/s down",
                            kGigabytes / up, kGigabytes / across, kGigabytes / down);
  if (std::memcmp(from.data(), back.data(), kBytes) == 0) return absl::OkStatus();
  return DataLoss("what came back are other bytes");
}

absl::Status MeasureRoof(Device& device, std::string& figures) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Roof> roof, Roof::Create(device));
  const double memory = roof->Measure(Limit::kMemory);
  const double int8 = roof->Measure(Limit::kInt8Dots);
  const double bf16 = roof->Measure(Limit::kBf16Dots);
  const double f32 = roof->Measure(Limit::kF32Fmas);
  figures = absl::StrFormat(
      "%.1f GB/s read, %.3f TOPS of int8 and %.3f TFLOPS of bf16 dot products%s, %.3f TFLOPS of f32 "
      "multiply-adds",
      memory / 1e9, int8 / 1e12, bf16 / 1e12, device.info().reads_host_memory ? "" : " on matrix units", f32 / 1e12);
  if (memory > 0 && int8 > 0 && bf16 > 0 && f32 > 0) return absl::OkStatus();
  return absl::InternalError("a probe failed");
}

// Decode and prefill of products, decode of attention. SIMT, which is no faster than one thread, gets small ones.
std::vector<OpLoad> Loads(const DeviceInfo& device) {
  const bool small = device.kind == "simt";
  OpSelection products{
      .ops = {"linear"},
      .formats = {DType::kQ4_0, DType::kQ4_K, DType::kQ8_0, DType::kW8, DType::kBF16},
      .shapes = {small ? std::pair<int64_t, int64_t>{256, 256} : std::pair<int64_t, int64_t>{8192, 4096}},
      .rows = {1}};
  if (!small) products.rows.push_back(512);
  std::vector<OpLoad> loads = ListOpLoads(products);
  const OpSelection attention{
      .ops = {"paged_attention"}, .rows = {1}, .contexts = {small ? 64 : 4096}, .filters = {"decode"}};
  std::ranges::move(ListOpLoads(attention), std::back_inserter(loads));
  return loads;
}

SelfTestCheck TimeOp(OpSpeed& speed, const OpLoad& load) {
  SelfTestCheck check{.name = load.name()};
  const absl::StatusOr<OpResult> result = speed.Measure(load, "");
  check.result = result.status();
  if (!result.ok()) return check;
  check.figures =
      absl::StrFormat("%s: %.1f us, %.1f GB/s, %.3f TOPS, %.0f %% of the roof of %s", result->entry,
                      result->seconds * 1e6, result->bytes_per_second() / 1e9, result->operations_per_second() / 1e12,
                      100 * result->share, result->memory_bound ? "reading" : "computing");
  return check;
}

absl::Status TimeModel(const SelfTestOptions& options, const std::string& path, const CheckSink& report) {
  const bool small = options.device.starts_with("simt");
  const std::vector<SpeedTest> tests = {{.prompt_tokens = small ? 16 : 512}, {.generated_tokens = small ? 4 : 128}};
  std::vector<std::unique_ptr<BenchModel>> models;
  ASSIGN_OR_RETURN(models.emplace_back(), BenchModel::Create({.model = path,
                                                              .device = options.device,
                                                              .tensor_parallel_size = options.tensor_parallel_size,
                                                              .threads = options.threads},
                                                             tests));
  ASSIGN_OR_RETURN(const std::unique_ptr<Roof> roof, Roof::Create(models[0]->device()));
  for (const SpeedTest& test : tests) {
    ASSIGN_OR_RETURN(const std::vector<SpeedResult> results, MeasureSpeed(models, *roof, test, 1, 1));
    report({absl::StrFormat("%s: %s", path, test.name()), absl::OkStatus(),
            absl::StrFormat("%.1f tokens/s, %.0f %% of the roof of %s, %.0f %% of the least time",
                            results[0].tokens_per_second, 100 * results[0].share,
                            test.reads_prompts() ? "computing" : "reading", 100 * results[0].time_share)});
  }
  return absl::OkStatus();
}

}  // namespace

void CheckModelSpeed(const SelfTestOptions& options, const std::string& path, const CheckSink& report) {
  const absl::Status timed = TimeModel(options, path, report);
  if (!timed.ok()) report({path + ": speed", timed, ""});
}

void CheckSpeed(const SelfTestOptions& options, const CheckSink& report) {
  const auto device = OpenDevice(options.device, {.threads = options.threads});
  if (!device.ok()) return report({"speed", device.status(), ""});
  SelfTestCheck copies{.name = "256 MiB go to the device, across it, and come back"};
  copies.result = CopyAround(**device, copies.figures);
  report(copies);
  SelfTestCheck roof{.name = "what the device can do at best"};
  roof.result = MeasureRoof(**device, roof.figures);
  report(roof);
  const auto speed = OpSpeed::Create(options.device, {.threads = options.threads, .repetitions = 3});
  if (!speed.ok()) return report({"speed of kernels", speed.status(), ""});
  for (const OpLoad& load : Loads((*device)->info())) report(TimeOp(**speed, load));
}

}  // namespace engine

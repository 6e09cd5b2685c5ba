#include "engine/self_test.h"

#include <bit>
#include <cstring>
#include <random>

#include "core/base/clock.h"
#include "engine/forward.h"
#include "engine/open_model.h"

namespace engine {
namespace {

constexpr int kPromptTokens = 40;  // more than a block of the cache, and than the rows of a tile

std::vector<int32_t> Tokens(int vocab) {
  std::mt19937_64 random(1);
  std::vector<int32_t> tokens(kPromptTokens);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % vocab);
  return tokens;
}

// A model on a device, for forward passes with exact numerics.
class Subject {
 public:
  static absl::StatusOr<std::unique_ptr<Subject>> Create(EngineOptions options, const std::string& device) {
    options.device = device;
    options.numerics = Numerics::kExact;
    options.max_model_len = 2 * kPromptTokens;
    options.max_num_seqs = 1;
    auto subject = std::make_unique<Subject>();
    ASSIGN_OR_RETURN(subject->opened_, OpenModel(options));
    subject->opened_.options.limits.max_sampled = kPromptTokens;
    ASSIGN_OR_RETURN(subject->loaded_, LoadModel(subject->opened_));
    return subject;
  }

  Device& device() { return *opened_.device; }
  int64_t weight_bytes() const { return loaded_.runner->weights().packed_bytes(); }

  absl::StatusOr<std::vector<float>> Logits(int chunk) {
    std::vector<float> logits;
    RETURN_IF_ERROR(ForwardSequence(loaded_, Tokens(loaded_.vocab), chunk, [&](int64_t, std::span<const float> row) {
      logits.insert(logits.end(), row.begin(), row.end());
    }));
    return logits;
  }

 private:
  OpenedModel opened_;
  LoadedModel loaded_;
};

absl::Status ExpectSame(const std::vector<float>& got, const std::vector<float>& want) {
  int64_t differ = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    differ += std::bit_cast<uint32_t>(got[i]) != std::bit_cast<uint32_t>(want[i]) ? 1 : 0;
  }
  if (differ == 0) return absl::OkStatus();
  return DataLoss("%d of %d logits differ", differ, want.size());
}

class Checks {
 public:
  Checks(Subject& subject, const std::vector<float>& expected, const std::function<void(const SelfTestCheck&)>& report)
      : subject_(subject), expected_(expected), report_(report) {}

  void Copies() {
    constexpr int64_t kBytes = int64_t{64} << 20;
    SelfTestCheck check{.name = "64 MiB go to the device and come back"};
    check.result = CopyThereAndBack(kBytes, check.figures);
    report_(check);
  }

  // `chunk` tokens per step.
  void Logits(std::string name, int chunk) {
    SelfTestCheck check{.name = std::move(name)};
    const TimePoint start = Now();
    const auto logits = subject_.Logits(chunk);
    const double seconds = SecondsSince(start);
    check.result = logits.ok() ? ExpectSame(*logits, expected_) : logits.status();
    check.figures = absl::StrFormat("%.1f tokens/s", kPromptTokens / seconds);
    if (chunk == 1) {
      check.figures += absl::StrFormat(", %.2f GB of weights per second",
                                       kPromptTokens * static_cast<double>(subject_.weight_bytes()) / seconds / 1e9);
    }
    report_(check);
  }

 private:
  absl::Status CopyThereAndBack(int64_t bytes, std::string& figures) {
    Device& device = subject_.device();
    ASSIGN_OR_RETURN(const Buffer there, device.Allocate(bytes, MemoryKind::kDevice));
    ASSIGN_OR_RETURN(const Buffer from, device.Allocate(bytes, MemoryKind::kHost));
    ASSIGN_OR_RETURN(const Buffer back, device.Allocate(bytes, MemoryKind::kHost));
    ASSIGN_OR_RETURN(const std::unique_ptr<Stream> stream, device.CreateStream());
    std::mt19937_64 random(2);
    for (int64_t i = 0; i < bytes / 8; ++i) reinterpret_cast<uint64_t*>(from.data())[i] = random();
    for (const auto& [to, source, way] :
         {std::tuple(there.data(), from.data(), "up"), std::tuple(back.data(), there.data(), "down")}) {
      const TimePoint start = Now();
      RETURN_IF_ERROR(stream->Copy(to, source, bytes));
      ASSIGN_OR_RETURN(const uint64_t ticket, stream->Record());
      RETURN_IF_ERROR(stream->Wait(ticket));
      figures += absl::StrFormat("%s%.1f GB/s %s", figures.empty() ? "" : ", ",
                                 static_cast<double>(bytes) / SecondsSince(start) / 1e9, way);
    }
    if (std::memcmp(from.data(), back.data(), bytes) == 0) return absl::OkStatus();
    return DataLoss("what came back are other bytes");
  }

  Subject& subject_;
  const std::vector<float>& expected_;
  const std::function<void(const SelfTestCheck&)>& report_;
};

}  // namespace

absl::Status SelfTest(const EngineOptions& options, const std::function<void(const SelfTestCheck&)>& report) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Subject> subject, Subject::Create(options, options.device));
  ASSIGN_OR_RETURN(const std::unique_ptr<Subject> cpu, Subject::Create(options, "cpu"));
  ASSIGN_OR_RETURN(const std::vector<float> expected, cpu->Logits(kPromptTokens));
  Checks checks(*subject, expected, report);
  checks.Copies();
  checks.Logits("logits of a prompt are the CPU's", kPromptTokens);
  checks.Logits("and the same again", kPromptTokens);
  checks.Logits("and in chunks of 7", 7);
  checks.Logits("and token by token, as graphs from the third on", 1);
  return absl::OkStatus();
}

}  // namespace engine

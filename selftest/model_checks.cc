#include "selftest/model_checks.h"

#include <bit>

#include "core/base/clock.h"
#include "selftest/built_in_model.h"
#include "selftest/subject.h"

namespace engine {
namespace {

// Of a built-in model. On SIMT, which is slow and where kernels cannot be late, a few will do.
int Repetitions(const SelfTestOptions& options) { return options.device.starts_with("simt") ? 2 : 10; }

struct Expected {
  std::vector<float> logits;
  std::vector<std::vector<int32_t>> answers;
};

absl::StatusOr<Expected> OnCpu(const SelfTestOptions& options, const std::string& model) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Subject> cpu,
                   Subject::Create({.device = "cpu", .model = model, .threads = options.threads}));
  Expected expected;
  ASSIGN_OR_RETURN(expected.logits, cpu->Logits(Subject::kPromptTokens));
  ASSIGN_OR_RETURN(expected.answers, cpu->Answers());
  return expected;
}

absl::Status ExpectSame(const std::vector<float>& got, const std::vector<float>& want) {
  int64_t differ = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    differ += std::bit_cast<uint32_t>(got[i]) != std::bit_cast<uint32_t>(want[i]) ? 1 : 0;
  }
  if (differ == 0) return absl::OkStatus();
  return DataLoss("%d of %d logits differ", differ, want.size());
}

// Checks of one model on one device.
class ModelChecks {
 public:
  ModelChecks(Subject& subject, const Expected& expected, std::string who, const CheckSink& report)
      : subject_(subject), expected_(expected), who_(std::move(who)), report_(report) {}

  void Logits(const std::string& how, int chunk, int repetitions = 1) {
    SelfTestCheck check{.name = absl::StrFormat("%s: logits %s are the CPU's", who_, how)};
    const TimePoint start = Now();
    for (int i = 0; i < repetitions && check.result.ok(); ++i) {
      const auto logits = subject_.Logits(chunk);
      check.result = logits.ok() ? ExpectSame(*logits, expected_.logits) : logits.status();
    }
    check.figures = absl::StrFormat("%.1f tokens/s", repetitions * Subject::kPromptTokens / SecondsSince(start));
    report_(check);
  }

  void Answers(int repetitions = 1) {
    SelfTestCheck check{.name = who_ + ": tokens of three requests at once are the CPU's"};
    for (int i = 0; i < repetitions && check.result.ok(); ++i) {
      const auto answers = subject_.Answers();
      check.result = answers.status();
      if (answers.ok() && *answers != expected_.answers) check.result = DataLoss("the answers differ");
    }
    report_(check);
  }

  // `repetitions` of the cheaper ones.
  void All(int repetitions) {
    Logits(absl::StrFormat("of a prompt (runs: %d)", repetitions), Subject::kPromptTokens, repetitions);
    Logits("in chunks of 7", 7);
    Logits("token by token, first launched, then replayed as graphs,", 1, std::max(1, repetitions / 3));
    Answers(std::max(1, repetitions / 3));
  }

 private:
  Subject& subject_;
  const Expected& expected_;
  std::string who_;
  const CheckSink& report_;
};

// Then between guards, which are a GPU's and take their time: all once.
absl::Status CheckAlsoGuarded(const SelfTestOptions& options, const std::string& path, const std::string& who,
                              int repetitions, const CheckSink& report) {
  ASSIGN_OR_RETURN(const Expected expected, OnCpu(options, path));
  Subject::Choice choice{.device = options.device,
                         .model = path,
                         .threads = options.threads,
                         .tensor_parallel_size = options.tensor_parallel_size};
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<Subject> subject, Subject::Create(choice));
    ModelChecks(*subject, expected, who, report).All(repetitions);
    if (subject->device().reads_host_memory) return absl::OkStatus();
  }
  choice.guards = true;
  ASSIGN_OR_RETURN(const std::unique_ptr<Subject> subject, Subject::Create(choice));
  ModelChecks(*subject, expected, who + " between guards", report).All(1);
  return absl::OkStatus();
}

absl::Status CheckBuiltInModel(const SelfTestOptions& options, DType weights, const CheckSink& report) {
  ASSIGN_OR_RETURN(const std::unique_ptr<BuiltInModel> model, BuiltInModel::Create(weights));
  return CheckAlsoGuarded(options, model->path(), absl::StrFormat("built-in %s model", Name(weights)),
                          Repetitions(options), report);
}

}  // namespace

void CheckBuiltInModels(const SelfTestOptions& options, const CheckSink& report) {
  for (const DType weights : {DType::kBF16, DType::kW8}) {
    const absl::Status ran = CheckBuiltInModel(options, weights, report);
    if (!ran.ok()) report({absl::StrFormat("built-in %s model", Name(weights)), ran, ""});
  }
}

void CheckModel(const SelfTestOptions& options, const std::string& path, const CheckSink& report) {
  const absl::Status ran = CheckAlsoGuarded(options, path, path, 2, report);
  if (!ran.ok()) report({path, ran, ""});
}

}  // namespace engine

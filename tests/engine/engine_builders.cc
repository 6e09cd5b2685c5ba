#include "tests/engine/engine_builders.h"

#include <condition_variable>
#include <mutex>
#include <random>

#include "core/base/files.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

template <typename T>
void Append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

bool Same(const TokenLogprobs& a, const TokenLogprobs& b) {
  return a.token == b.token && a.logprob == b.logprob && a.top == b.top;
}

void ExpectSame(const std::vector<TokenLogprobs>& actual, const std::vector<TokenLogprobs>& expected,
                const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (size_t t = 0; t < actual.size(); ++t) {
    ASSERT_TRUE(Same(actual[t], expected[t])) << what << ": token " << t << " has log-probability " << actual[t].logprob
                                              << " instead of " << expected[t].logprob;
  }
}

}  // namespace

ModelOnDisk::ModelOnDisk(const TinyChatModel& model) {
  const auto path = WriteTinyChatModel(model, directory_.path());
  EXPECT_TRUE(path.ok()) << path.status();
  if (path.ok()) path_ = *path;
}

void ReplaceInFile(const std::string& path, const std::string& from, const std::string& to) {
  std::string text = *ReadFile(path);
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << path;
  ASSERT_TRUE(WriteFile(path, text.replace(at, from.size(), to)).ok());
}

const ModelOnDisk& Q8Model() {
  static const ModelOnDisk model({.weights = DType::kQ8_0});
  return model;
}

std::ostream& operator<<(std::ostream& out, const Subject& subject) { return out << subject.name; }

std::vector<Subject> Subjects() {
  std::vector<Subject> subjects;
  for (const DType dtype : kTinyFormats) subjects.push_back({std::string(Name(dtype)), {.weights = dtype}});
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    subjects.push_back({std::string(Name(dtype)) + "_window", {.weights = dtype, .sliding_window = true}});
  }
  subjects.push_back({"q4_0_int8_kv", {.weights = DType::kQ4_0}, "int8"});
  subjects.push_back({"bf16_window_int8_kv", {.weights = DType::kBF16, .sliding_window = true}, "int8"});
  return subjects;
}

std::unique_ptr<Engine> OpenEngine(const ModelOnDisk& model, EngineOptions options) {
  options.model = model.path();
  if (options.threads == 0) options.threads = 1;
  auto engine = Engine::Create(options);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return engine.ok() ? *std::move(engine) : nullptr;
}

std::vector<int32_t> RandomTokens(uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  std::vector<int32_t> tokens(count);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % 256);
  return tokens;
}

GenerationRequest Continue(std::vector<int32_t> prompt, int max_tokens) {
  return {.prompt_tokens = std::move(prompt),
          .sampling = {.temperature = 0, .ignore_eos = true, .max_tokens = max_tokens, .logprobs = 5}};
}

std::vector<GenerationRequest> VariedRequests(int count, int new_tokens) {
  std::vector<GenerationRequest> requests;
  for (int r = 0; r < count; ++r) {
    GenerationRequest request = Continue(RandomTokens(r / 2, 1 + 13 * r), new_tokens);
    if (r % 2 == 1) request.sampling.temperature = 1;
    if (r % 3 == 0) request.sampling.prompt_logprobs = 2;
    if (r % 4 == 1) request.sampling.repetition_penalty = 1.3f;
    request.sampling.seed = r;
    requests.push_back(std::move(request));
  }
  return requests;
}

Generation Answer(Engine& engine, const GenerationRequest& request) {
  auto answer = engine.Generate(request);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() ? *std::move(answer) : Generation{};
}

std::string Refusal(EngineOptions options) {
  if (options.threads == 0) options.threads = 1;
  const auto engine = Engine::Create(options);
  if (engine.ok()) return "started";
  const std::string message(Message(engine.status()));
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  return message;
}

std::string Refusal(const ModelOnDisk& model, EngineOptions options) {
  options.model = model.path();
  return Refusal(options);
}

std::string Refusal(Engine& engine, const GenerationRequest& request) {
  const auto id = engine.Submit(request, [](const GenerationUpdate&) { ADD_FAILURE() << "a refused request ran"; });
  return id.ok() ? "accepted" : std::string(Message(id.status()));
}

std::vector<Generation> AnswerTogether(Engine& engine, const std::vector<GenerationRequest>& requests) {
  std::mutex mutex;
  std::condition_variable ended;
  std::vector<Generation> answers(requests.size());
  size_t open = requests.size();
  for (size_t r = 0; r < requests.size(); ++r) {
    const auto id = engine.Submit(requests[r], [&, r](const GenerationUpdate& update) {
      std::lock_guard lock(mutex);
      Append(update, answers[r]);
      if (update.finish != Finish::kNone && --open == 0) ended.notify_one();
    });
    EXPECT_TRUE(id.ok()) << id.status();
    if (id.ok()) continue;
    std::lock_guard lock(mutex);
    --open;
  }
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return open == 0; });
  return answers;
}

void ExpectSame(const Generation& actual, const Generation& expected, const std::string& what) {
  EXPECT_EQ(actual.tokens, expected.tokens) << what;
  EXPECT_EQ(actual.text, expected.text) << what;
  EXPECT_EQ(Name(actual.finish), Name(expected.finish)) << what;
  ExpectSame(actual.logprobs, expected.logprobs, what);
  ExpectSame(actual.prompt_logprobs, expected.prompt_logprobs, what + ", prompt");
}

}  // namespace engine

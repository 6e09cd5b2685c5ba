// What keeps an engine from starting, and what an engine says about its model.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "engine/inspect.h"
#include "engine/open_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"
#include "tests/support/environment.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

TEST(Load, MissingModelNamesItAndWhatCanBePulled) {
  EXPECT_THAT(Refusal({.model = "nowhere.gguf"}), AllOf(HasSubstr("nowhere.gguf"), HasSubstr("smollm2-135m")));
  EXPECT_THAT(Refusal({.model = ""}), HasSubstr("no model was named"));
}

// From when the weights are read, as templates are compiled on a thread, too. The limit does not hold for root.
[[noreturn]] void LoadWithoutThreads() {
  const auto forbid = [](int64_t, int64_t) {
    constexpr uid_t kNobody = 65534;
    const rlimit none{};
    if ((geteuid() == 0 && setuid(kNobody) != 0) || setrlimit(RLIMIT_NPROC, &none) != 0) _exit(2);
  };
  std::fprintf(stderr, "%s\n", Refusal(Q8Model(), {.load_progress = forbid}).c_str());
  _exit(0);
}

TEST(Load, WithoutAThreadToHaveIsRefused) {
  EXPECT_EXIT(LoadWithoutThreads(), ::testing::ExitedWithCode(0), "the output thread cannot be started");
}

// A page of the file cache may be far larger than a vector, and all of it would be resident.
TEST(Load, SmallWeightsDoNotKeepTheFileInMemory) {
  const ModelOnDisk model({.weights = DType::kF32});
  auto opened = OpenModel({.model = model.path(), .threads = 1, .max_model_len = 64});
  ASSERT_TRUE(opened.ok()) << opened.status();
  const auto loaded = LoadModel(*opened);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->runner->weights().mapped_bytes(), 0);
  EXPECT_GT(loaded->runner->weights().packed_bytes(), 400'000);
}

TEST(Load, TruncatedFilesAreNamed) {
  const ModelOnDisk gguf({.weights = DType::kQ4_0}), directory({.weights = DType::kF32});
  fs::resize_file(gguf.path(), fs::file_size(gguf.path()) - 100);
  EXPECT_THAT(Refusal(gguf), AllOf(HasSubstr("tiny.gguf"), HasSubstr("bytes")));
  fs::resize_file(gguf.path(), 40);
  EXPECT_THAT(Refusal(gguf), HasSubstr("tiny.gguf"));
  const std::string weights = directory.path() + "/model.safetensors";
  fs::resize_file(weights, fs::file_size(weights) / 2);
  EXPECT_THAT(Refusal(directory), HasSubstr("model.safetensors"));
}

TEST(Load, DirectoryWithoutTokenizerSaysWhatToAdd) {
  const ModelOnDisk model({.weights = DType::kF32});
  fs::remove(model.path() + "/tokenizer.json");
  EXPECT_THAT(Refusal(model), AllOf(HasSubstr("tokenizer.json"), HasSubstr(model.path())));
}

TEST(Load, UnknownArchitectureNamesItAndTheKnownOnes) {
  const ModelOnDisk model({.weights = DType::kF32}), gguf({.weights = DType::kQ8_0});
  ReplaceInFile(model.path() + "/config.json", "LlamaForCausalLM", "LlamoForCausalLM");
  EXPECT_THAT(Refusal(model), AllOf(HasSubstr("LlamoForCausalLM"), HasSubstr("Qwen3ForCausalLM")));
  ReplaceInFile(gguf.path(), "llama", "llamo");  // the value of general.architecture comes first
  EXPECT_THAT(Refusal(gguf), AllOf(HasSubstr("llamo"), HasSubstr("Qwen3ForCausalLM")));
}

TEST(Load, UnreadableFileSaysWhy) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const ModelOnDisk model({.weights = DType::kQ8_0});
  ::chmod(model.path().c_str(), 0);
  EXPECT_THAT(Refusal(model), AllOf(HasSubstr("tiny.gguf"), HasSubstr("ermission")));
}

TEST(Load, DeviceThatIsNotThereIsRefusedWithWhatIs) {
  const ModelOnDisk model({.weights = DType::kF32});
  EXPECT_THAT(Refusal(model, {.device = "cuda"}), AllOf(HasSubstr("cuda"), HasSubstr("--device cpu")));
  EXPECT_THAT(Refusal(model, {.device = "npu"}), AllOf(HasSubstr("npu"), HasSubstr("cpu, cuda, rocm, simt and auto")));
}

TEST(Load, LimitsOutOfRangeAreNamedWithTheirValue) {
  const ModelOnDisk model({.weights = DType::kF32});
  EXPECT_THAT(Refusal(model, {.threads = -1}), AllOf(HasSubstr("threads is -1"), HasSubstr("1 to 1024")));
  EXPECT_THAT(Refusal(model, {.max_model_len = 513}), AllOf(HasSubstr("513"), HasSubstr("512")));
  EXPECT_THAT(Refusal(model, {.max_model_len = -1}), HasSubstr("max_model_len is -1"));
  EXPECT_THAT(Refusal(model, {.max_num_seqs = 0}), HasSubstr("max_num_seqs is 0"));
  EXPECT_THAT(Refusal(model, {.max_num_seqs = 8, .max_num_batched_tokens = 7}),
              AllOf(HasSubstr("max_num_batched_tokens is 7"), HasSubstr("max_num_seqs = 8")));
  EXPECT_THAT(Refusal(model, {.kv_cache_dtype = "int4"}), HasSubstr("kv_cache_dtype is int4"));
  EXPECT_THAT(Refusal(model, {.kv_cache_bytes = -1}), HasSubstr("kv_cache_bytes is -1"));
  EXPECT_THAT(Refusal(model, {.memory_utilization = 1.5f}), HasSubstr("memory_utilization is 1.5"));
}

TEST(Load, TheLongestContextThatFitsIsTheModelsOwnOrWhatTheCacheHolds) {
  const ModelOnDisk model({.weights = DType::kF32});
  EngineOptions options{.model = model.path(), .max_model_len = EngineOptions::kLongestThatFits};
  const auto whole = InspectPlan(options);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->max_model_len, 512);
  options.kv_cache_bytes = whole->memory.context_bytes / 2;
  const auto half = Engine::Create(options);
  ASSERT_TRUE(half.ok()) << half.status();
  EXPECT_EQ((*half)->model().max_model_len, 256);
}

TEST(Load, TheCacheTakesWhatMemoryUtilizationLeaves) {
  const ModelOnDisk model({.weights = DType::kF32});
  const auto plan = InspectPlan({.model = model.path(), .memory_utilization = 0.5f});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_LE(plan->memory.total_bytes(), plan->memory.limit_bytes);
  EXPECT_GT(plan->memory.total_bytes() + plan->memory.context_bytes, plan->memory.limit_bytes);
}

TEST(Load, CacheTooSmallForOneContextIsRefusedWithTheNumbers) {
  const ModelOnDisk model({.weights = DType::kF32});
  EXPECT_THAT(Refusal(model, {.kv_cache_bytes = 1000}),
              AllOf(HasSubstr("1000 bytes"), HasSubstr("512 tokens"), HasSubstr("--kv-cache-bytes")));
}

TEST(Load, MoreThanTheMachinesMemoryIsRefusedBeforeItIsTaken) {
  const ModelOnDisk model({.weights = DType::kF32});
  EXPECT_THAT(Refusal(model, {.max_num_batched_tokens = 2'000'000'000}),
              AllOf(HasSubstr("bytes"), HasSubstr("--max-num-batched-tokens")));
}

// More than 2^31 of the adjustments that a step's rows share.
TEST(Load, MoreSequencesThanAStepCanNumberAreRefused) {
  const ModelOnDisk model({.weights = DType::kF32});
  EXPECT_THAT(Refusal(model, {.max_num_seqs = 2'000'000'000, .max_num_batched_tokens = 2'000'000'000}),
              AllOf(HasSubstr("2000000000"), HasSubstr("--max-num-seqs")));
}

TEST(Load, InstructionSetThatIsUnknownIsRefused) {
  const ModelOnDisk model({.weights = DType::kF32});
  const ForcedIsa isa("mmx");
  EXPECT_THAT(Refusal(model), AllOf(HasSubstr("mmx"), HasSubstr("portable")));
}

TEST(Load, QuantisedModelsHaveExactKernelsThroughout) {
  const ModelOnDisk model({.weights = DType::kQ8_0});
  const std::string answer = Refusal(model, {.numerics = Numerics::kExact});
  EXPECT_EQ(answer, "started") << "quantised models have exact kernels throughout";
}

// A tokenizer with ids that the embedding table lacks: a prompt with one of them is refused, not read out of bounds.
TEST(Load, TokenizerLargerThanTheModelIsHeldToTheModelsTokens) {
  const ModelOnDisk model({.weights = DType::kF32});
  ReplaceInFile(model.path() + "/tokenizer.json", R"("<|im_end|>":265)", R"("<|im_end|>":9265)");
  ReplaceInFile(model.path() + "/tokenizer.json", R"("id":265)", R"("id":9265)");
  const auto engine = OpenEngine(model);
  const auto answer = engine->Generate({.messages = {{"user", "hi"}}, .sampling = {.max_tokens = 1}});
  EXPECT_THAT(std::string(Message(answer.status())), AllOf(HasSubstr("9265"), HasSubstr("tokenizer")));
  // Nor is an end of text that the model cannot make among the tokens that are masked before min_tokens.
  GenerationRequest request{.prompt = "hi", .sampling = {.max_tokens = 3, .min_tokens = 2}};
  EXPECT_GE(Answer(*engine, request).tokens.size(), 2u);
}

TEST(ModelInfo, SaysWhatWasLoaded) {
  const ModelOnDisk model({.weights = DType::kQ4_K});
  const auto engine = OpenEngine(model, {.max_model_len = 256, .max_num_seqs = 2});
  const ModelInfo& info = engine->model();
  EXPECT_EQ(info.path, model.path());
  EXPECT_EQ(info.architecture, "LlamaForCausalLM");
  EXPECT_EQ(info.weight_format, "q4_k");
  EXPECT_EQ(info.max_model_len, 256);
  EXPECT_EQ(info.vocab_size, kTinyVocab);
  EXPECT_NE(info.chat_template, "");
  EXPECT_GT(info.weight_bytes, 400'000);
  EXPECT_EQ(info.kv_cache_bytes, 2 * 256 * 2 * 2 * 128 * 2);  // sequences, tokens, layers, K and V, values, bf16
}

TEST(ModelInfo, KernelsAreReportedOncePerKindOfOp) {
  const ModelOnDisk model({.weights = DType::kQ8_0});
  const auto reports = InspectKernels({.model = model.path(), .threads = 1});
  ASSERT_TRUE(reports.ok()) << reports.status();
  int linears = 0;
  for (const OpReport& report : *reports) {
    EXPECT_FALSE(report.candidates.empty());
    EXPECT_EQ(report.candidates.back().declined, "") << report.op;
    if (report.op.starts_with("linear")) linears += report.count;
  }
  EXPECT_EQ(linears, 2 * 5 + 1);  // q, k, v, o and down of each layer, and the head; gate and up are fused
}

// The definitions of the ops are far too slow to answer with.
TEST(ModelInfo, NoOpRunsItsReference) {
  for (const DType format : kTinyFormats) {
    const ModelOnDisk model({.weights = format});
    const auto reports = InspectKernels({.model = model.path(), .threads = 1});
    ASSERT_TRUE(reports.ok()) << reports.status();
    for (const OpReport& report : *reports) {
      EXPECT_NE(report.candidates.back().kernel, "reference") << Name(format) << ": " << report.op;
    }
  }
}

TEST(DefaultSampling, ComesFromTheAuthorsGenerationConfig) {
  const ModelOnDisk model(
      {.weights = DType::kF32, .generation_config = R"({"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": null,
                                                    "repetition_penalty": 1.05, "do_sample": true})"});
  const SamplingParams sampling = OpenEngine(model)->model().default_sampling;
  EXPECT_EQ(sampling.temperature, 0.6f);
  EXPECT_EQ(sampling.top_p, 0.95f);
  EXPECT_EQ(sampling.top_k, 20);
  EXPECT_EQ(sampling.min_p, 0.0f);
  EXPECT_EQ(sampling.repetition_penalty, 1.05f);
}

TEST(DefaultSampling, IsTheModelsOwnDistributionWithoutOne) {
  const ModelOnDisk model({.weights = DType::kQ8_0});
  EXPECT_EQ(OpenEngine(model)->model().default_sampling.temperature, 1.0f);
}

TEST(DefaultSampling, IsWhatTheOptionsSay) {
  const ModelOnDisk model({.weights = DType::kF32, .generation_config = R"({"temperature": 0.6, "top_k": 20})"});
  EngineOptions options{.model = model.path(), .override_generation_config = R"({"temperature": 0.25, "top_p": 0.5})"};
  const SamplingParams overridden = (*Engine::Create(options))->model().default_sampling;
  EXPECT_EQ(overridden.temperature, 0.25f);
  EXPECT_EQ(overridden.top_p, 0.5f);
  EXPECT_EQ(overridden.top_k, 20);
  options.use_generation_config = false;
  EXPECT_EQ((*Engine::Create(options))->model().default_sampling.top_k, 0);
}

TEST(DefaultSampling, OptionsHaveItsNamesOnly) {
  const auto refusal = [](const char* text) {
    return std::string(Message(EngineOptions{.override_generation_config = text}.Validate()));
  };
  EXPECT_EQ(refusal(R"({"top_p": 1.5})"), "override_generation_config: top_p is 1.5; it must lie in (0, 1]");
  EXPECT_EQ(refusal(R"({"max_new_tokens": 5})"),
            "override_generation_config: max_new_tokens is none of temperature, top_p, top_k, min_p, "
            "repetition_penalty");
  EXPECT_EQ(refusal("[]"), "override_generation_config: it must be a JSON object");
  EXPECT_THAT(refusal("{"), HasSubstr("override_generation_config is not valid JSON"));
}

TEST(ChatTemplate, OptionsTakeThePlaceOfTheCheckpoints) {
  const ModelOnDisk model({.weights = DType::kF32});
  std::vector<std::string> warnings;
  EngineOptions options{.model = model.path(),
                        .chat_template = "{{ greeting }}{{ messages[0].content }}",
                        .chat_template_kwargs = R"({"greeting": "hi ", "unread": 1})",
                        .warn = [&](const std::string& line) { warnings.push_back(line); }};
  const auto engine = *Engine::Create(options);
  EXPECT_EQ(engine->Render({.messages = {{"user", "abc"}}})->text, "hi abc");
  EXPECT_EQ(engine->Render({.messages = {{"user", "abc"}}, .template_kwargs = R"({"greeting": ""})"})->text, "abc");
  EXPECT_EQ(engine->model().chat_template, options.chat_template);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("its chat template does not read unread")));
  EXPECT_EQ(engine->model().chat_template_kwargs, R"({"greeting":"hi "})");
}

TEST(ChatTemplate, OptionsMustBeOneOfChats) {
  const auto refusal = [](const char* source) {
    return std::string(Message(EngineOptions{.chat_template = source}.Validate()));
  };
  EXPECT_THAT(refusal("{% if messages %}"), HasSubstr("chat_template cannot be read: "));
  EXPECT_THAT(refusal(R"({"role": "user"})"), HasSubstr("chat_template does not read `messages`"));
}

TEST(ChatTemplate, OptionsVariablesAreNoneOfOurs) {
  EXPECT_EQ(Message(EngineOptions{.chat_template_kwargs = R"({"tools": []})"}.Validate()),
            "chat_template_kwargs sets tools, which has a field of its own in requests");
  EXPECT_EQ(Message(EngineOptions{.chat_template_kwargs = "3"}.Validate()),
            "chat_template_kwargs must be a JSON object");
}

TEST(DefaultSampling, InvalidValueIsNamed) {
  const ModelOnDisk hot({.weights = DType::kF32, .generation_config = R"({"temperature": "hot"})"});
  EXPECT_THAT(Refusal(hot), AllOf(HasSubstr("generation_config.json"), HasSubstr("temperature")));
  const ModelOnDisk negative({.weights = DType::kF32, .generation_config = R"({"top_p": 1.5})"});
  EXPECT_THAT(Refusal(negative), AllOf(HasSubstr("generation_config.json"), HasSubstr("top_p is 1.5")));
}

}  // namespace
}  // namespace engine

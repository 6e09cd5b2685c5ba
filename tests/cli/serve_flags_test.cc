// Command lines as people type them for other servers.
#include "cli/serve_flags.h"

#include "absl/strings/str_split.h"
#include "cli/usage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/environment.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::Status Read(const std::string& line, ServeFlags& serve) {
  FlagSet flags("engine serve [MODEL ...]", "Tests.");
  AddServeFlags(flags, serve);
  const std::vector<std::string> arguments = absl::StrSplit(line, ' ', absl::SkipEmpty());
  RETURN_IF_ERROR(flags.Parse(arguments).status());
  return Complete(serve);
}

std::string Refusal(const std::string& line) {
  ServeFlags serve;
  const absl::Status status = Read(line, serve);
  EXPECT_TRUE(IsUsageError(status)) << line << ": " << status;
  return std::string(Message(status));
}

TEST(ServeFlags, TakeAVllmUsersLine) {
  ServeFlags serve;
  const absl::Status read = Read(
      "Qwen/Qwen3-8B --host 127.0.0.1 --port 9000 --served-model-name qwen gpt-4o --api-key k1 k2 --max-model-len 32k "
      "--max-num-seqs 64 --max-num-batched-tokens 2048 --gpu-memory-utilization 0.92 --kv-cache-dtype auto "
      "--reasoning-parser qwen3 --enable-auto-tool-choice --tool-call-parser hermes -tp 1 --dtype auto "
      "--enable-prefix-caching --enable-chunked-prefill --trust-remote-code --allowed-origins [\"*\"] "
      "--disable-access-log-for-endpoints /health,/metrics --no-enable-log-requests --block-size 16 "
      "--scheduling-policy fcfs --async-scheduling --stream-interval 1 --max-logprobs 20 -O 2 --cpu-offload-gb 0",
      serve);
  ASSERT_TRUE(read.ok()) << read;
  ASSERT_EQ(serve.models.size(), 1u);
  EXPECT_EQ(serve.models[0].model, "Qwen/Qwen3-8B");
  EXPECT_THAT(serve.models[0].names, ElementsAre("qwen", "gpt-4o"));
  EXPECT_THAT(serve.server.api_keys, ElementsAre("k1", "k2"));
  EXPECT_THAT(serve.server.allowed_origins, ElementsAre("*"));
  EXPECT_THAT(serve.server.unlogged_paths, ElementsAre("/health", "/metrics"));
  EXPECT_EQ(serve.server.http.port, 9000);
  EXPECT_EQ(serve.engine.max_model_len, 32000);
  EXPECT_EQ(serve.engine.max_num_seqs, 64);
  EXPECT_EQ(serve.engine.memory_utilization, 0.92f);
  EXPECT_EQ(serve.engine.reasoning_parser, "qwen3");
}

TEST(ServeFlags, TakeAnLmdeployUsersLine) {
  ServeFlags serve;
  const absl::Status read = Read(
      "model --server-name 0.0.0.0 --server-port 23333 --session-len 8192 --max-batch-size 8 --quant-policy 8 "
      "--cache-max-entry-count 0.8 --tp 1 --backend turbomind --model-name m --api-keys a b --reasoning-parser "
      "qwen-qwq --cache-block-seq-len 64 --num-tokens-per-iter 0 --max-prefill-iters 1 --async 1 --communicator nccl "
      "--allow-methods * --allow-headers * --log-level INFO --eager-mode --role Hybrid",
      serve);
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_EQ(serve.server.http.port, 23333);
  EXPECT_EQ(serve.engine.max_model_len, 8192);
  EXPECT_EQ(serve.engine.max_num_seqs, 8);
  EXPECT_EQ(serve.engine.kv_cache_dtype, "int8");
  EXPECT_EQ(serve.engine.memory_utilization, 0.8f);
  EXPECT_THAT(serve.server.api_keys, ElementsAre("a", "b"));
}

TEST(ServeFlags, TakeALlamaCppUsersLine) {
  ServeFlags serve;
  const absl::Status read = Read("-m model.gguf -c 4096 -np 4 -t 2 -ngl 99 -a alias --jinja --metrics", serve);
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_EQ(serve.models[0].model, "model.gguf");
  EXPECT_THAT(serve.models[0].names, ElementsAre("alias"));
  EXPECT_EQ(serve.engine.max_num_seqs, 4);
}

TEST(ServeFlags, NamesOfOthersSetWhatTheyMean) {
  ServeFlags serve;
  const absl::Status read = Read(
      "model --kv-cache-memory-bytes 1000 --spec-model draft --spec-draft-n-max 5 --no-cache-prompt -np -1 "
      "--kv-cache-dtype int8_per_token_head",
      serve);
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_EQ(serve.engine.kv_cache_bytes, 1000);
  EXPECT_EQ(serve.engine.draft_model, "draft");
  EXPECT_EQ(serve.engine.num_speculative_tokens, 5);
  EXPECT_FALSE(serve.engine.enable_prefix_caching);
  EXPECT_EQ(serve.engine.max_num_seqs, EngineOptions().max_num_seqs);
  EXPECT_EQ(serve.engine.kv_cache_dtype, "int8");
}

std::vector<std::string> KeysOf(const std::string& line) {
  ServeFlags serve;
  EXPECT_TRUE(Read(line, serve).ok()) << line;
  return serve.server.api_keys;
}

TEST(ServeFlags, WithoutAnyOtherTheKeyOfVllmOrLlamaCppIsAskedFor) {
  EXPECT_THAT(KeysOf("model"), ElementsAre());
  for (const char* name : {"VLLM_API_KEY", "LLAMA_API_KEY"}) {
    const EnvironmentVariable key(name, "secret");
    EXPECT_THAT(KeysOf("model"), ElementsAre("secret"));
    EXPECT_THAT(KeysOf("model --api-key mine"), ElementsAre("mine"));
    EXPECT_THAT(KeysOf("model --api-key-file keys.txt"), ElementsAre());
    const EnvironmentVariable ours("ENGINE_API_KEY", "ours");
    EXPECT_THAT(KeysOf("model"), ElementsAre("ours"));
  }
  const EnvironmentVariable empty("VLLM_API_KEY", "");
  EXPECT_THAT(KeysOf("model"), ElementsAre());
}

TEST(ServeFlags, AnyNumberOfGpuLayersIsTaken) {
  for (const char* line : {"-ngl 0", "-ngl 20", "--n-gpu-layers all", "--gpu-layers auto", "-ngl -2"}) {
    ServeFlags serve;
    EXPECT_TRUE(Read(line, serve).ok()) << line;
  }
}

TEST(ServeFlags, TheLongestContextThatFitsIsAskedForByEveryName) {
  for (const char* name : {"auto", "-1"}) {
    ServeFlags serve;
    ASSERT_TRUE(Read(std::string("model --max-model-len ") + name, serve).ok());
    EXPECT_EQ(serve.engine.max_model_len, EngineOptions::kLongestThatFits);
  }
}

TEST(ServeFlags, NumbersThatNoServerCanHaveAreRefused) {
  for (const char* line :
       {"--port 65536", "--port -1", "--port http", "--http-threads 0", "--http-threads 100000", "--max-connections 0",
        "--max-queued-requests -1", "--max-body-bytes -5", "--max-body-bytes 0"}) {
    EXPECT_THAT(Refusal(std::string("model ") + line), HasSubstr("it must be a whole number from")) << line;
  }
}

// Exit code 2, which tells systemd not to start it again.
TEST(ServeFlags, ValuesThatNoModelCanHaveAreWrongUsage) {
  for (const char* line : {"--max-num-seqs 0", "--threads -1", "--threads 2000", "--prefill-share nan",
                           "--memory-utilization 1.5", "--kv-cache-bytes -1", "--tensor-parallel-size 0",
                           "--num-speculative-tokens 99", "--max-num-batched-tokens 3", "--max-model-len 1"}) {
    ServeFlags serve;
    FlagSet flags("engine serve", "");
    AddServeFlags(flags, serve);
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    ASSERT_TRUE(flags.Parse(words).ok()) << line;
    const absl::Status status = CompleteOptions(flags, serve.engine);
    EXPECT_TRUE(IsUsageError(status)) << line;
    EXPECT_THAT(std::string(Message(status)), StartsWith(words[0] + " is ")) << line;
  }
}

TEST(ServeFlags, AnEmptyAddressIsNotTheOneOfAllNetworks) {
  EXPECT_THAT(Refusal("model --max-model-len k"), HasSubstr("--max-model-len is 'k'; it must be a number of tokens"));
  EXPECT_THAT(Refusal("model --host="), HasSubstr("--host is ''; it must be an address or a name"));
}

TEST(ServeFlags, WhatIsNotThereIsRefusedWithTheReason) {
  EXPECT_THAT(Refusal("model -pp 2"),
              AllOf(HasSubstr("--pipeline-parallel-size is '2'"), HasSubstr("can only be 1"), HasSubstr("layer")));
  EXPECT_THAT(Refusal("model --dtype float16"), HasSubstr("the checkpoint says"));
  EXPECT_THAT(Refusal("model --max-log-len 20000"), HasSubstr("it must be a whole number from 0 to 16384"));
  EXPECT_THAT(Refusal("model --quant-policy 4"), HasSubstr("0 (none) or 8 (int8)"));
  EXPECT_THAT(Refusal("model --allowed-origins [1]"), HasSubstr("JSON list"));
  EXPECT_THAT(Refusal("model --otlp-traces-endpoint grpc://x"), HasSubstr("http://HOST:PORT/PATH"));
  EXPECT_THAT(Refusal("model --disable-metrics"), HasSubstr("/metrics is always there"));
  EXPECT_THAT(Refusal("model --enable-lora"), HasSubstr("--enable-lora is not supported: adapters are not applied"));
}

}  // namespace
}  // namespace engine

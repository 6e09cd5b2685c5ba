#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "tests/unit/server/api/api_builders.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Embedder {
  ScriptedEngine engine;
  ApiClient client{engine};

  explicit Embedder(const std::string& pooling = "last") {
    engine.info.pooling = pooling;
    engine.info.embedding_size = pooling == "none" ? 0 : 2;
  }
  std::shared_ptr<RecordingResponder> Post(const Json& body) const { return client.Post("/v1/embeddings", body); }
  void Answer(size_t i, std::vector<float> state) {
    engine.Tell(i, {.embedding = std::move(state)});
    engine.Tell(i, {.finish = Finish::kLength});
  }
  void ExpectRefused(const Json& body, const std::string& why) const {
    const auto answer = Post(body);
    EXPECT_EQ(answer->status, 400) << body;
    EXPECT_THAT(answer->body, HasSubstr(why));
  }
};

TEST(Embeddings, InputsAreAnsweredInTheirOrderWithLengthOne) {
  Embedder embedder;
  const auto answer = embedder.Post({{"model", "tiny"}, {"input", {"one", "two"}}, {"user", "u"}});
  ASSERT_EQ(embedder.engine.submitted.size(), 2u);
  EXPECT_EQ(embedder.engine.submitted[0].request.prompt_tokens, (std::vector<int32_t>{'o', 'n', 'e'}));
  EXPECT_TRUE(embedder.engine.submitted[0].request.embed);
  embedder.Answer(1, {0, 2});
  EXPECT_EQ(answer->status, 0);
  embedder.Answer(0, {3, 4});
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(Json::parse(answer->body), Json::parse(R"({"object": "list",
      "data": [{"object": "embedding", "index": 0, "embedding": [0.6000000238418579, 0.800000011920929]},
               {"object": "embedding", "index": 1, "embedding": [0.0, 1.0]}],
      "model": "tiny", "usage": {"prompt_tokens": 6, "total_tokens": 6}})"));
}

TEST(Embeddings, Base64IsTheBytesOfTheValues) {
  Embedder embedder;
  const auto answer = embedder.Post({{"input", {1, 2, 3}}, {"encoding_format", "base64"}});
  EXPECT_EQ(embedder.engine.submitted[0].request.prompt_tokens, (std::vector<int32_t>{1, 2, 3}));
  embedder.Answer(0, {0, 1});
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(Json::parse(answer->body)["data"][0]["embedding"].get<std::string>(), &bytes));
  EXPECT_EQ(bytes, std::string("\0\0\0\0\0\0\x80\x3f", 8));
}

TEST(Embeddings, FewerDimensionsHaveLengthOneToo) {
  Embedder embedder;
  const auto answer = embedder.Post({{"input", "a"}, {"dimensions", 1}});
  embedder.Answer(0, {3, 4});
  EXPECT_EQ(Json::parse(answer->body)["data"][0]["embedding"], Json::parse("[1.0]"));
}

TEST(Embeddings, ManyInputsTakeTurnsAndWaitForRoom) {
  Embedder embedder;
  const auto answer = embedder.Post({{"input", std::vector<std::string>(100, "x")}});
  EXPECT_EQ(embedder.engine.submitted.size(), 32u);
  embedder.engine.refusal = absl::ResourceExhaustedError("full");
  embedder.Answer(0, {1, 0});
  EXPECT_EQ(embedder.engine.submitted.size(), 32u);
  embedder.engine.refusal = absl::OkStatus();
  for (size_t i = 1; i < 100; ++i) embedder.Answer(i, {1, 0});
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(Json::parse(answer->body)["data"].size(), 100u);
}

TEST(Embeddings, AnErrorOrAClientThatGoesEndsAllInputs) {
  Embedder embedder;
  const auto answer = embedder.Post({{"input", {"a", "b"}}});
  embedder.engine.Tell(0, {.finish = Finish::kError, .error = absl::DeadlineExceededError("late")});
  EXPECT_EQ(answer->status, 504);
  EXPECT_EQ(embedder.engine.cancelled.size(), 2u);
  const auto gone = embedder.Post({{"input", "c"}});
  gone->gone();
  EXPECT_EQ(embedder.engine.cancelled.size(), 3u);
  embedder.engine.refusal = absl::ResourceExhaustedError("full");
  EXPECT_EQ(embedder.Post({{"input", "d"}})->status, 429);
}

TEST(Embeddings, OneThatTheEngineStopsBeforeIsMissingFromNoAnswer) {
  Embedder embedder;
  const auto answer = embedder.Post({{"input", {"a", "b"}}});
  embedder.Answer(0, {3, 4});
  embedder.engine.Tell(1, {.finish = Finish::kCancelled});
  EXPECT_EQ(answer->status, 503);
  EXPECT_THAT(answer->body, HasSubstr("the engine stops"));
}

TEST(Embeddings, WhatCannotBeDoneIsRefused) {
  const Embedder embedder;
  embedder.ExpectRefused({{"input", ""}}, "input is empty");
  embedder.ExpectRefused({{"input", {"a", ""}}}, "input[1] is empty");
  embedder.ExpectRefused(Json::object(), "input is missing");
  embedder.ExpectRefused({{"input", "a"}, {"dimensions", 3}}, "dimensions is 3");
  embedder.ExpectRefused({{"input", "a"}, {"dimensions", 0}}, "1 to 2");
  embedder.ExpectRefused({{"input", "a"}, {"encoding_format", "int8"}}, "base64");
  embedder.ExpectRefused({{"input", "a"}, {"inputs", "b"}}, "inputs");
  embedder.ExpectRefused({{"input", {"a", std::string(200, 'a')}}}, "context_length_exceeded");
  EXPECT_TRUE(embedder.engine.submitted.empty());
  Embedder("none").ExpectRefused({{"input", "a"}}, "--pooling last or mean");
}

TEST(Embeddings, IgnoredFieldsAreWarningsWhereReadingIsLenient) {
  Embedder embedder;
  const auto answer = ApiClient(embedder.engine, /*lenient=*/true).Post("/v1/embeddings", {{"input", "a"}, {"foo", 1}});
  embedder.Answer(0, {3, 4});
  EXPECT_EQ(Json::parse(answer->body)["warnings"][0], "foo is not a field of this request (ignored)");
}

}  // namespace
}  // namespace engine

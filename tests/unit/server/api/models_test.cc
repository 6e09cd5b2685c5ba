// Several models, and names that stand for several: which answers, and what is said of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_format.h"
#include "tests/unit/server/api/api_builders.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct TwoModels {
  ScriptedEngine a, b;
  std::shared_ptr<TrafficSplit> chat = *TrafficSplit::Parse("chat=a:50,b:50");
  ApiClient client{{{"a", &a}, {"b", &b}}, {chat}};

  TwoModels() { b.info.max_model_len = 50; }

  // The model that answers, as the answer names it; it says something if it has been asked.
  std::string Ask(const std::string& path, const Json& body) {
    ScriptedEngine* const engines[] = {&a, &b};
    const size_t before[] = {a.submitted.size(), b.submitted.size()};
    const auto answer = client.Post(path, body);
    for (int e = 0; e < 2; ++e) {
      if (engines[e]->submitted.size() > before[e]) engines[e]->Say(before[e], "hi", Finish::kStop);
    }
    const Json json = Json::parse(answer->body);
    const std::string name = json.value("model", "");
    EXPECT_EQ(name == "a", a.submitted.size() > before[0]) << answer->body;
    EXPECT_EQ(name == "b", b.submitted.size() > before[1]) << answer->body;
    return name;
  }
  std::string Chat(Json fields) {
    fields["model"] = "chat";
    fields["messages"] = {{{"role", "user"}, {"content", "hello"}}};
    return Ask("/v1/chat/completions", fields);
  }
};

TEST(Models, EachAnswersUnderItsName) {
  TwoModels models;
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(models.Ask("/v1/completions", {{"model", name}, {"prompt", "x"}}), name);
  }
  EXPECT_EQ(models.Ask("/v1/completions", {{"prompt", "x"}}), "a");
}

TEST(Models, AnAliasIsTakenAndNotListed) {
  ScriptedEngine engine;
  const ApiClient client({{"tiny.gguf", &engine, "models/tiny.gguf"}}, {});
  const auto answer = client.Post("/v1/completions", {{"model", "models/tiny.gguf"}, {"prompt", "x"}});
  engine.Say(0, "a", Finish::kStop);
  EXPECT_EQ(Json::parse(answer->body)["model"], "tiny.gguf");
  EXPECT_EQ(Json::parse(client.Get("/v1/models/models/tiny.gguf")->body)["id"], "tiny.gguf");
  EXPECT_EQ(Json::parse(client.Get("/v1/models")->body)["data"].size(), 1u);
}

TEST(Models, UnknownOnesAreNotFoundAndTheKnownOnesNamed) {
  TwoModels models;
  const auto answer = models.client.Post("/v1/completions", {{"model", "c"}, {"prompt", "x"}});
  EXPECT_EQ(answer->status, 404);
  EXPECT_THAT(answer->body, AllOf(HasSubstr("a, b, chat"), HasSubstr("model_not_found")));
  EXPECT_EQ(models.client.Get("/v1/models/c")->status, 404);
}

TEST(Models, AreListedWithTheRoutesBetweenThem) {
  TwoModels models;
  models.b.info.chat_template = "";
  const Json data = Json::parse(models.client.Get("/v1/models")->body)["data"];
  ASSERT_EQ(data.size(), 3u);
  EXPECT_EQ(data[0]["id"], "a");
  EXPECT_EQ(data[1]["max_model_len"], 50);
  EXPECT_EQ(data[2]["id"], "chat");
  EXPECT_EQ(data[2]["max_model_len"], 50);
  for (const auto& [model, has_switch] : {std::pair(0, true), {1, false}, {2, false}}) {
    EXPECT_EQ(data[model]["thinking_switch"], has_switch) << model;
  }
  EXPECT_EQ(data[2]["shares"], Json::parse(R"({"a": 50, "b": 50})"));
  EXPECT_EQ(Json::parse(models.client.Get("/v1/models/chat")->body), data[2]);
}

TEST(Models, ARouteKeepsWhoSaysWhoTheyAreWithOneModel) {
  for (const char* field : {"user", "safety_identifier", "cache_salt", "prompt_cache_key"}) {
    TwoModels models;
    for (int u = 0; u < 20; ++u) {
      const std::string user = absl::StrFormat("user-%d", u);
      const std::string first = models.Chat({{field, user}});
      for (int again = 0; again < 3; ++again) EXPECT_EQ(models.Chat({{field, user}}), first) << field << user;
    }
    EXPECT_GT(models.chat->stats(0)->Read().requests, 0) << field;
    EXPECT_GT(models.chat->stats(1)->Read().requests, 0) << field;
  }
}

TEST(Models, ARouteIsAModelForEveryApi) {
  TwoModels models;
  const Json messages = {{{"role", "user"}, {"content", "hello"}}};
  const std::string first = models.Ask(
      "/v1/messages", {{"model", "chat"}, {"messages", messages}, {"max_tokens", 5}, {"metadata", {{"user_id", "u"}}}});
  EXPECT_EQ(models.Chat({{"user", "u"}}), first);
  EXPECT_EQ(models.Ask("/v1/responses", {{"model", "chat"}, {"input", "hello"}, {"user", "u"}}), first);
  EXPECT_EQ(models.client.Post("/tokenize", {{"model", "chat"}, {"prompt", "x"}})->status, 200);
}

TEST(Models, ARouteCountsTheRequestsThatRun) {
  TwoModels models;
  const auto counted = [&] { return models.chat->stats(0)->Read().requests + models.chat->stats(1)->Read().requests; };
  models.client.Post("/tokenize", {{"model", "chat"}, {"prompt", "x"}});
  models.client.Post("/v1/completions", {{"model", "chat"}, {"prompt", "x"}, {"temprature", 1}});
  models.client.Post("/v1/completions", {{"model", "chat"}, {"prompt", std::string(200, 'x')}});
  EXPECT_EQ(counted(), 0);
  models.Chat(Json::object());
  EXPECT_EQ(counted(), 1);
}

TEST(Models, ARouteTellsHowLongItsRequestsTook) {
  TwoModels models;
  const std::string model = models.Chat({{"user", "u"}});
  const RouteStats::Counts counts = models.chat->StatsOf(model)->Read();
  EXPECT_EQ(counts.requests, 1);
  EXPECT_EQ(counts.ended.failed, 0);
  EXPECT_EQ(counts.ended.generated_tokens, 2);
  EXPECT_EQ(counts.ended.time_to_first_token.total(), 1);
  EXPECT_EQ(counts.ended.time_per_output_token.total(), 1);
  EXPECT_EQ(counts.ended.total_time.total(), 1);
  EXPECT_GE(counts.ended.total_time.sum(), counts.ended.time_to_first_token.sum());
  EXPECT_EQ(models.chat->StatsOf(model == "a" ? "b" : "a")->Read().ended.total_time.total(), 0);
}

TEST(Models, ARouteTellsWhichRequestsFailedOrWereLeft) {
  TwoModels models;
  const auto ask = [&] {
    return models.client.Post("/v1/completions", {{"model", "chat"}, {"prompt", "x"}, {"user", "u"}, {"stream", true}});
  };
  const auto gone = ask(), failed = ask(), empty = ask();
  ScriptedEngine& engine = models.a.submitted.empty() ? models.b : models.a;
  gone->gone();
  engine.Tell(1, {.finish = Finish::kError, .error = absl::InternalError("it broke")});
  engine.Say(2, "", Finish::kStop);
  engine.refusal = ResourceExhausted("full");
  ask();
  const RouteStats::Counts counts = models.chat->StatsOf(&engine == &models.a ? "a" : "b")->Read();
  EXPECT_EQ(counts.requests, 3) << "what the engine does not take is not counted";
  EXPECT_EQ(counts.ended.cancelled, 1);
  EXPECT_EQ(counts.ended.failed, 1);
  EXPECT_EQ(counts.ended.total_time.total(), 1);
  EXPECT_EQ(counts.ended.time_to_first_token.total(), 0);
}

TEST(Models, WithoutAUserARouteDraws) {
  TwoModels models;
  for (int r = 0; r < 100; ++r) models.Chat(Json::object());
  EXPECT_NEAR(static_cast<double>(models.chat->stats(0)->Read().requests), 50, 25);
  EXPECT_EQ(models.chat->stats(0)->Read().requests + models.chat->stats(1)->Read().requests, 100);
}

}  // namespace
}  // namespace engine

#include "server/metrics.h"

#include <map>
#include <set>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "server/exposition.h"

namespace engine {
namespace {

MetricsInput SomeInput() {
  ModelMetrics model{.name = "a \"model\"", .memory = {.weight_bytes = 11, .kv_cache_bytes = 22, .limit_bytes = 99}};
  model.engine.step.running = 2;
  model.engine.step.kv_blocks = 200;
  model.engine.step.kv_blocks_in_use = 50;
  model.engine.step.kv_block_tokens = 32;
  model.engine.step.prompt_tokens_queried = 100;
  model.engine.step.prompt_tokens_cached = 40;
  model.engine.step.drafts = 6;
  model.engine.step.accepted_by_position[1] = 4;
  model.engine.request.open = 5;
  model.engine.request.ended_by_length = 7;
  for (const double seconds : {0.0005, 0.03, 0.03, 3000.0}) model.engine.request.time_to_first_token.Add(seconds);
  MetricsInput input{.version = "1", .models = {model, {.name = "b"}}, .server = {.connections = 3}};
  input.splits.push_back(*TrafficSplit::Parse("chat=a:1,b:1"));
  RouteStats& route = *input.splits.front()->stats(0);
  for (int i = 0; i < 10; ++i) route.Begin();
  route.Fail();
  route.Cancel();
  route.End(0.03, 2, std::vector{0.2, 0.3}, 9);
  input.http.answers = {{{"/v1/models", 200}, 4}, {{"other", 404}, 1}};
  return input;
}

std::vector<std::string> Lines(const std::string& text) { return absl::StrSplit(text, '\n', absl::SkipEmpty()); }

std::map<std::string, double> Samples(const std::string& text) {
  std::map<std::string, double> samples;
  for (const std::string& line : Lines(text)) {
    if (line.starts_with('#')) continue;
    const size_t space = line.rfind(' ');
    double value = 0;
    EXPECT_TRUE(absl::SimpleAtod(line.substr(space + 1), &value)) << line;
    EXPECT_TRUE(samples.emplace(line.substr(0, space), value).second) << "twice: " << line;
  }
  return samples;
}

TEST(Metrics, ValuesStandUnderOurNamesAndVllms) {
  const auto samples = Samples(MetricsText(SomeInput()));
  const std::string ours = R"({model_name="a \"model\""})";
  const std::string vllms = R"({engine="0",model_name="a \"model\""})";
  EXPECT_EQ(samples.at("engine_requests_running" + ours), 2);
  EXPECT_EQ(samples.at("vllm:num_requests_running" + vllms), 2);
  EXPECT_EQ(samples.at("vllm:num_requests_waiting" + vllms), 3);
  EXPECT_EQ(samples.at("vllm:kv_cache_usage_perc" + vllms), 0.25);
  EXPECT_EQ(samples.at("engine_time_to_first_token_seconds_count" + ours), 4);
  EXPECT_EQ(samples.at("vllm:time_to_first_token_seconds_count" + vllms), 4);
  EXPECT_EQ(samples.at(R"(vllm:request_success_total{finished_reason="length",engine="0",model_name="a \"model\""})"),
            7);
  EXPECT_EQ(samples.at(R"(engine_http_requests_total{handler="other",status="404"})"), 1);
  EXPECT_EQ(samples.at("vllm:spec_decode_num_drafts_total" + vllms), 6);
  EXPECT_EQ(
      samples.at(
          R"(vllm:spec_decode_num_accepted_tokens_per_pos_total{position="1",engine="0",model_name="a \"model\""})"),
      4);
  EXPECT_EQ(samples.at("engine_http_connections"), 3);
  EXPECT_EQ(
      samples.at(R"(vllm:prompt_tokens_by_source_total{source="local_compute",engine="0",model_name="a \"model\""})"),
      60);
}

TEST(Metrics, ModelsAreToldApartInEveryMetric) {
  const auto samples = Samples(MetricsText(SomeInput()));
  EXPECT_EQ(samples.at(R"(engine_requests_running{model_name="b"})"), 0);
  EXPECT_EQ(samples.at(R"(vllm:time_to_first_token_seconds_count{engine="0",model_name="b"})"), 0);
  EXPECT_EQ(samples.at(R"(engine_memory_planned_bytes{part="weights",model_name="a \"model\""})"), 11);
  EXPECT_EQ(samples.at(R"(engine_memory_planned_bytes{part="kv_cache",model_name="a \"model\""})"), 22);
  EXPECT_EQ(samples.at(R"(engine_memory_limit_bytes{model_name="a \"model\""})"), 99);
  EXPECT_EQ(samples.at(R"(engine_route_requests_total{route="chat",model="a"})"), 10);
  EXPECT_EQ(samples.at(R"(engine_route_requests_total{route="chat",model="b"})"), 0);
  EXPECT_EQ(samples.at(R"(engine_route_failed_total{route="chat",model="a"})"), 1);
  EXPECT_EQ(samples.at(R"(engine_route_cancelled_total{route="chat",model="a"})"), 1);
  EXPECT_EQ(samples.at(R"(engine_route_generated_tokens_total{route="chat",model="a"})"), 9);
  EXPECT_EQ(samples.at(R"(engine_route_time_to_first_token_seconds_sum{route="chat",model="a"})"), 0.03);
  EXPECT_EQ(samples.at(R"(engine_route_time_per_output_token_seconds_count{route="chat",model="a"})"), 2);
  EXPECT_EQ(samples.at(R"(engine_route_request_seconds_bucket{route="chat",model="a",le="1.5"})"), 0);
  EXPECT_EQ(samples.at(R"(engine_route_request_seconds_bucket{route="chat",model="a",le="2"})"), 1);
}

TEST(Metrics, BucketsCountWhatLiesBelow) {
  const auto samples = Samples(MetricsText(SomeInput()));
  const auto bucket = [&](const std::string& le) {
    return samples.at(R"(vllm:time_to_first_token_seconds_bucket{engine="0",model_name="a \"model\"",le=")" + le +
                      "\"}");
  };
  EXPECT_EQ(bucket("0.001"), 1);
  EXPECT_EQ(bucket("0.02"), 1);
  EXPECT_EQ(bucket("0.04"), 3);
  EXPECT_EQ(bucket("2560"), 3);
  EXPECT_EQ(bucket("+Inf"), 4);
}

// The bounds of a model's buckets.
std::string Bounds(const std::string& metric) {
  std::string bounds;
  for (const std::string& line : Lines(MetricsText(SomeInput()))) {
    const size_t le = line.find("le=\"");
    if (!line.starts_with(metric + "_bucket") || line.find("model_name=\"b\"") == std::string::npos) continue;
    bounds += line.substr(le + 4, line.find('"', le + 4) - le - 4) + " ";
  }
  return bounds;
}

TEST(Metrics, BucketsAreThoseOfVllmsDashboards) {
  const std::string per_token = "0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 5 7.5 10 20 40 80 +Inf ";
  const std::string whole = "0.3 0.5 0.8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680 +Inf ";
  EXPECT_EQ(Bounds("vllm:time_to_first_token_seconds"),
            "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 20 40 80 160 640 2560 +Inf ");
  EXPECT_EQ(Bounds("vllm:inter_token_latency_seconds"), per_token);
  EXPECT_EQ(Bounds("vllm:request_time_per_output_token_seconds"), per_token);
  for (const char* part :
       {"e2e_request_latency", "request_queue_time", "request_prefill_time", "request_decode_time"}) {
    EXPECT_EQ(Bounds(absl::StrFormat("vllm:%s_seconds", part)), whole) << part;
  }
  EXPECT_EQ(Bounds("vllm:iteration_tokens_total"), "1 8 16 32 64 128 256 512 1024 2048 4096 8192 16384 +Inf ");
}

// What Prometheus refuses a whole page for.
TEST(Metrics, EveryNameHasOneTypeBeforeItsSamples) {
  std::set<std::string> names;
  std::string current;
  for (const std::string& line : Lines(MetricsText(SomeInput()))) {
    if (line.starts_with("# TYPE ")) {
      current = std::vector<std::string>(absl::StrSplit(line, ' '))[2];
      EXPECT_TRUE(names.insert(current).second) << current << " is declared twice";
    } else if (!line.starts_with('#')) {
      EXPECT_TRUE(line.starts_with(current)) << line << " stands below " << current;
    }
  }
  EXPECT_GT(names.size(), 50u);
}

TEST(Exposition, LabelsCannotEscapeTheirQuotes) {
  EXPECT_EQ(Exposition::Join({{"a", "x\"y\\z\nw"}, {"b", ""}}), R"(a="x\"y\\z\nw",b="")");
}

}  // namespace
}  // namespace engine

#include "server/gate.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/server/recorded_answer.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

Route Hello(const std::string& text) {
  return {"GET", "/hello", [text](std::shared_ptr<const HttpRequest>, std::shared_ptr<Responder> responder) {
            responder->Send(200, "text/plain", text);
          }};
}

RecordedAnswer Ask(const Route& route) {
  auto responder = std::make_shared<RecordedAnswer>();
  route.handler(std::make_shared<HttpRequest>(), responder);
  return *responder;
}

int Health(const Gate& gate, const std::string& path) {
  for (const Route& route : HealthRoutes(gate)) {
    if (route.path == path) return Ask(route).status;
  }
  return 0;
}

TEST(Gate, OpensWhenTheModelIsThereAndClosesForGood) {
  Gate gate;
  const Route guarded = gate.Guard(Hello("not yet"));
  EXPECT_EQ(Ask(guarded).status, 503);
  EXPECT_THAT(Ask(guarded).body, HasSubstr("the model is loading"));

  gate.Open({Hello("hello")});
  EXPECT_EQ(Ask(guarded).status, 200);
  EXPECT_EQ(Ask(guarded).body, "hello");

  gate.Drain();
  EXPECT_EQ(Ask(guarded).status, 503);
  EXPECT_THAT(Ask(guarded).body, HasSubstr("shutting down"));
}

TEST(Gate, RefusesInTheShapeThatTheRoutesClientsRead) {
  Gate gate;
  Route route = Hello("");
  route.write_error = AnthropicErrorBody;
  EXPECT_THAT(Ask(gate.Guard(route)).body, HasSubstr("overloaded_error"));
}

TEST(Gate, ProbesSayWhatEachIsFor) {
  Gate gate;
  EXPECT_EQ(Health(gate, "/livez"), 200);
  for (const char* name : {"/health", "/v1/health", "/ping"}) EXPECT_EQ(Health(gate, name), 503);
  EXPECT_EQ(Health(gate, "/readyz"), 503);
  EXPECT_EQ(Health(gate, "/health"), 503);
  gate.Open({});
  EXPECT_EQ(Health(gate, "/readyz"), 200);
  EXPECT_EQ(Health(gate, "/health"), 200);
  gate.Drain();
  EXPECT_EQ(Health(gate, "/livez"), 200);
  EXPECT_EQ(Health(gate, "/readyz"), 503);
  EXPECT_EQ(Health(gate, "/health"), 200);
}

TEST(Gate, AStuckEngineTurnsReadinessRedWithTheReasonAndBack) {
  Gate gate;
  const Route guarded = gate.Guard(Hello(""));
  gate.Open({Hello("still answered")});
  gate.SetStalled("step 8 has run for 61 s");
  EXPECT_EQ(gate.NotReady(), "step 8 has run for 61 s");
  EXPECT_EQ(Health(gate, "/health"), 503);
  EXPECT_EQ(Ask(guarded).status, 200);
  gate.SetStalled("\xff: step 8 has run for 61 s");
  EXPECT_EQ(Health(gate, "/health"), 503) << "a model's name that is not UTF-8";
  gate.SetStalled(std::nullopt);
  EXPECT_EQ(Health(gate, "/readyz"), 200);
}

}  // namespace
}  // namespace engine

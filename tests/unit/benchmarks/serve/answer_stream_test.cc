// What a load reads of a streamed answer: events out of bytes, and what events say.
#include "benchmarks/serve/answer_event.h"
#include "benchmarks/serve/sse_reader.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::ElementsAre;

TEST(SseReader, AnySplitOfTheBytesGivesTheSameEvents) {
  const std::string bytes =
      ": a comment\r\n\r\nevent: message\ndata: {\"a\": 1}\n\ndata:two\r\ndata: lines\r\n\r\n\n\ndata: [DONE]\n\ndata: "
      "cut";
  const std::vector<std::string> expected = {"{\"a\": 1}", "two\nlines", "[DONE]"};
  for (size_t split = 0; split <= bytes.size(); ++split) {
    SseReader reader;
    std::vector<std::string> events = reader.Take(bytes.substr(0, split));
    for (std::string& event : reader.Take(bytes.substr(split))) events.push_back(std::move(event));
    EXPECT_EQ(events, expected) << split;
  }
  SseReader reader;
  std::vector<std::string> events;
  for (const char byte : bytes) {
    for (std::string& event : reader.Take({&byte, 1})) events.push_back(std::move(event));
  }
  EXPECT_EQ(events, expected);
}

TEST(AnswerEvent, TextIsContentReasoningOrACallButNotARole) {
  const auto has_text = [](const std::string& choice) {
    return ReadAnswerEvent("{\"choices\": [" + choice + "]}").has_text;
  };
  EXPECT_FALSE(has_text(R"({"delta": {"role": "assistant", "content": ""}})"));
  EXPECT_FALSE(has_text(R"({"delta": {}, "finish_reason": "stop"})"));
  EXPECT_TRUE(has_text(R"({"delta": {"content": "a"}})"));
  EXPECT_TRUE(has_text(R"({"delta": {"reasoning_content": "a"}})"));
  EXPECT_TRUE(has_text(R"({"delta": {"tool_calls": [{"index": 0}]}})"));
  EXPECT_TRUE(has_text(R"({"text": "a"})"));
  EXPECT_FALSE(has_text(R"({"text": ""})"));
}

TEST(AnswerEvent, ReadsUsageEndAndErrors) {
  const AnswerEvent usage =
      ReadAnswerEvent(R"({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}})");
  EXPECT_EQ(usage.prompt_tokens, 3);
  EXPECT_EQ(usage.output_tokens, 5);
  EXPECT_EQ(ReadAnswerEvent(R"({"choices": [], "usage": null})").output_tokens, -1);
  EXPECT_TRUE(ReadAnswerEvent("[DONE]").is_done);
  EXPECT_EQ(ReadAnswerEvent(R"({"error": {"message": "too late"}})").error, "too late");
  EXPECT_EQ(ReadAnswerEvent(R"({"error": "too late"})").error, "too late");
}

// Whatever a server sends, it is an error at worst.
TEST(AnswerEvent, OddEventsAreNoCrash) {
  for (const char* odd :
       {"", "null", "[]", "7", "{\"choices\": 3}", "{\"choices\": {\"a\": {\"delta\": []}}}",
        "{\"choices\": [null, [], {\"delta\": {\"content\": 5}}]}", "{\"usage\": {\"prompt_tokens\": \"3\"}}"}) {
    EXPECT_FALSE(ReadAnswerEvent(odd).has_text) << odd;
  }
  EXPECT_NE(ReadAnswerEvent("{\"choices\"").error, "");
}

TEST(ErrorText, IsTheMessageOrTheBody) {
  EXPECT_EQ(ErrorText(R"({"error": {"message": "no such model"}})"), "no such model");
  EXPECT_EQ(ErrorText("<html>Bad Gateway</html>"), "<html>Bad Gateway</html>");
}

}  // namespace
}  // namespace engine

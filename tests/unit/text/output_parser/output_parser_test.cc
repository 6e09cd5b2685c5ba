#include "text/output_parser/output_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "core/base/utf8.h"
#include "nlohmann/json.hpp"
#include "tests/unit/text/output_parser/fixtures.h"

namespace engine {

// How gtest prints it.
void PrintTo(const OutputDelta& delta, std::ostream* out) {
  static constexpr const char* kNames[] = {"content", "reasoning", "begin", "arguments"};
  *out << kNames[static_cast<int>(delta.kind)] << " " << delta.call << " " << delta.call_id << " <<" << delta.text
       << ">>\n";
}

namespace {

using Kind = OutputDelta::Kind;

constexpr unsigned kSeed = 7;

std::vector<OutputFixture> AllFixtures() {
  std::vector<OutputFixture> all = OutputFixtures();
  for (OutputFixture& fixture : BrokenOutputFixtures()) all.push_back(std::move(fixture));
  return all;
}

// Each byte is cut off from the one before with this chance.
std::vector<std::string> Cut(const std::string& text, std::mt19937& random, double chance) {
  std::vector<std::string> pieces = {""};
  for (const char c : text) {
    if (std::generate_canonical<double, 32>(random) < chance) pieces.emplace_back();
    pieces.back() += c;
  }
  return pieces;
}

TEST(OutputParser, ReadsWhatEachFamilyWrites) {
  for (const OutputFixture& fixture : OutputFixtures()) {
    EXPECT_EQ(Parse(OptionsOf(fixture), {fixture.text}), fixture.expected) << fixture.name;
  }
}

TEST(OutputParser, MakesContentOfWhatFitsNoFormat) {
  for (const OutputFixture& fixture : BrokenOutputFixtures()) {
    EXPECT_EQ(Parse(OptionsOf(fixture), {fixture.text}), fixture.expected) << fixture.name;
  }
}

TEST(OutputParser, SaysTheSameWhereverTheTextIsCut) {
  for (const OutputFixture& fixture : AllFixtures()) {
    for (size_t cut = 0; cut <= fixture.text.size(); ++cut) {
      ASSERT_EQ(Parse(OptionsOf(fixture), {fixture.text.substr(0, cut), fixture.text.substr(cut)}), fixture.expected)
          << fixture.name << ", cut at " << cut;
    }
  }
}

TEST(OutputParser, SaysTheSameInManyPieces) {
  std::mt19937 random(kSeed);
  for (const OutputFixture& fixture : AllFixtures()) {
    for (int round = 0; round < 20; ++round) {
      const auto pieces = Cut(fixture.text, random, round == 0 ? 1.0 : 0.05 * round);
      ASSERT_EQ(Parse(OptionsOf(fixture), pieces), fixture.expected)
          << fixture.name << ", seed " << kSeed << ", round " << round;
    }
  }
}

// Whatever of the fixtures is left out, doubled or joined: cuts do not matter, and every word arrives.
TEST(OutputParser, SaysTheSameOfSpoiltTextsHoweverTheyAreCut) {
  std::mt19937 random(kSeed);
  const std::vector<OutputFixture> fixtures = OutputFixtures();
  for (int round = 0; round < 3000; ++round) {
    const OutputFixture& fixture = fixtures[random() % fixtures.size()];
    std::string text;
    for (int part = 0; part < 3; ++part) {
      const std::string& from = (random() % 4 == 0 ? fixtures[random() % fixtures.size()] : fixture).text;
      const size_t begin = random() % from.size();
      text += part == 0 ? from.substr(0, begin) : from.substr(begin, random() % 80);
    }
    const OutputParserOptions options = OptionsOf(fixture);
    ASSERT_EQ(Parse(options, Cut(text, random, 0.3)), Parse(options, {text}))
        << fixture.name << ", seed " << kSeed << ", round " << round << "\n"
        << text;
  }
}

TEST(OutputParser, WholeArgumentsAreJson) {
  for (const OutputFixture& fixture : OutputFixtures()) {
    for (const OutputDelta& delta : fixture.expected) {
      if (delta.kind == Kind::kToolArguments) EXPECT_TRUE(nlohmann::json::accept(delta.text)) << delta.text;
    }
  }
}

TEST(OutputParser, DeltasHoldWholeCodePoints) {
  for (const OutputFixture& fixture : OutputFixtures()) {
    const auto parser = MakeOutputParser(OptionsOf(fixture));
    std::vector<OutputDelta> deltas;
    for (std::string_view rest = fixture.text; !rest.empty();) {
      const auto length = static_cast<size_t>(CodePointLength(rest));
      parser->Push(rest.substr(0, length), deltas);
      rest.remove_prefix(length);
    }
    parser->Finish(deltas);
    for (const OutputDelta& delta : deltas) EXPECT_TRUE(CheckUtf8(delta.text).ok()) << fixture.name;
  }
}

// Of a text in two pieces, what the first one tells.
std::vector<OutputDelta> Early(const std::string& reasoning, const std::string& tools, std::string_view text) {
  const auto parser = MakeOutputParser(OptionsOf({.reasoning = reasoning, .tools = tools}));
  std::vector<OutputDelta> deltas;
  parser->Push(text, deltas);
  return deltas;
}

TEST(OutputParser, ArgumentsComeBeforeTheirCallEnds) {
  const std::vector<OutputDelta> expected = {{Kind::kToolCallBegin, "get_weather"},
                                             {Kind::kToolArguments, R"({"city": "Par)"}};
  EXPECT_EQ(Early("none", "hermes", R"(<tool_call>{"name":"get_weather","arguments":{"city":"Par)"), expected);
  EXPECT_EQ(Early("none", "mistral", R"([TOOL_CALLS]get_weather[ARGS]{"city":"Par)"), expected);
  EXPECT_EQ(Early("none", "qwen3_coder", "<tool_call><function=get_weather><parameter=city>\nPar"), expected);
  EXPECT_EQ(Early("none", "pythonic", "[get_weather(city='Par"), expected);
  EXPECT_EQ(Early("none", "openai", R"(<|channel|>commentary to=functions.get_weather<|message|>{"city":"Par)"),
            expected);
}

TEST(OutputParser, HoldsBackOnlyWhatMayBeAMarker) {
  EXPECT_EQ(Early("qwen3", "hermes", "a < b <too"), (std::vector<OutputDelta>{{Kind::kContent, "a < b"}}));
  EXPECT_EQ(Early("qwen3", "hermes", "<think>a </b"), (std::vector<OutputDelta>{{Kind::kReasoning, "a </b"}}));
}

TEST(OutputParser, KnowsWhetherItIsInReasoning) {
  struct Case {
    std::string format, begin, end;
  };
  for (const Case& one :
       {Case{"qwen3", "<think>", "</think>"}, Case{"openai_gptoss", "<|channel|>analysis<|message|>", "<|end|>"}}) {
    const auto parser = MakeOutputParser(OptionsOf({.reasoning = one.format, .tools = "none"}));
    std::vector<OutputDelta> deltas;
    EXPECT_FALSE(parser->in_reasoning());
    parser->Push(one.begin + "Hm", deltas);
    EXPECT_TRUE(parser->in_reasoning());
    parser->Push(one.end, deltas);
    EXPECT_FALSE(parser->in_reasoning());
  }
}

TEST(OutputParser, WithoutFunctionsNothingIsACall) {
  OutputParserOptions options{.format = {.tools = *FindToolFormat("hermes", "")}};
  EXPECT_EQ(MakeOutputParser(options), nullptr);
  options.format.reasoning = *FindReasoningFormat("qwen3", "");
  const std::string text = R"(<tool_call>{"name": "now", "arguments": {}}</tool_call>)";
  EXPECT_EQ(Parse(options, {text}), (std::vector<OutputDelta>{{Kind::kContent, text}}));
}

// A megabyte of everything that could make a parser look again at what it has seen, in small pieces.
TEST(OutputParser, TakesTimeInProportionToTheText) {
  for (const OutputFixture& fixture : std::initializer_list<OutputFixture>{
           {.reasoning = "qwen3", .tools = "hermes", .text = R"(<tool_call>{"arguments": {"a": ")"},
           {.reasoning = "qwen3", .tools = "qwen3_coder", .text = "<function=f><parameter=tags>["},
           {.reasoning = "qwen3", .tools = "qwen3_coder", .text = "<function=f><parameter=city>"},
           {.reasoning = "qwen3", .tools = "pythonic", .text = "[now(a="},
           {.reasoning = "openai_gptoss", .tools = "openai", .text = "<|channel|>"},
       }) {
    for (const std::string piece : {"aaaa", "    ", "<<<<", "\n\n\n\n"}) {
      const auto parser = MakeOutputParser(OptionsOf(fixture));
      std::vector<OutputDelta> deltas;
      parser->Push(fixture.text, deltas);
      for (int i = 0; i < 1 << 18; ++i) parser->Push(piece, deltas);
      parser->Finish(deltas);
      EXPECT_FALSE(deltas.empty());
    }
  }
}

}  // namespace
}  // namespace engine

#include "text/grammar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/unit/text/small_tokenizers.h"

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = OutputGrammar::Kind;
using Ids = std::vector<int32_t>;

constexpr unsigned kSeed = 11;
constexpr int32_t kEndOfText = 263;  // of ByteLevelTokenizer

// Grammars over the vocabulary of one small tokenizer.
class Grammars {
 public:
  explicit Grammars(const Json& json = ByteLevelTokenizer(), Ids ends = {kEndOfText})
      : tokenizer_(Load(json)),
        compiler_(*GrammarCompiler::Create(*tokenizer_, tokenizer_->vocab_size(), ends)),
        words_((tokenizer_->vocab_size() + 31) / 32) {}

  const Tokenizer& tokenizer() const { return *tokenizer_; }

  std::unique_ptr<Grammar> Compile(Kind kind, const std::string& text) const {
    auto grammar = compiler_->Compile({kind, text});
    EXPECT_TRUE(grammar.ok()) << grammar.status() << " for " << text;
    return grammar.ok() ? *std::move(grammar) : nullptr;
  }

  std::string Refusal(Kind kind, const std::string& text) const {
    return std::string(compiler_->Compile({kind, text}).status().message());
  }

  Ids Allowed(Grammar& grammar) const {
    std::vector<uint32_t> mask(words_);
    EXPECT_TRUE(grammar.Mask(mask).ok());
    Ids ids;
    for (int32_t id = 0; id < tokenizer_->vocab_size(); ++id) {
      if ((mask[id / 32] >> id % 32) & 1) ids.push_back(id);
    }
    return ids;
  }

  // Whether `text` is an answer, told byte by byte.
  bool Accepts(Kind kind, const std::string& grammar_text, const std::string& text) const {
    const auto grammar = Compile(kind, grammar_text);
    Ids bytes;
    for (const char byte : text) bytes.push_back(static_cast<uint8_t>(byte));
    if (grammar == nullptr || *grammar->Advance(bytes) != static_cast<int>(bytes.size())) return false;
    std::vector<uint32_t> mask(words_);
    return *grammar->Mask(mask);
  }

 private:
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<GrammarCompiler> compiler_;
  size_t words_;
};

TEST(Grammar, AllowsTheTokensThatMayFollowAndTheEndWhereTheAnswerIsComplete) {
  const Grammars grammars;
  const auto grammar = grammars.Compile(Kind::kChoice, R"(["abc", "abd"])");
  EXPECT_THAT(grammars.Allowed(*grammar), ElementsAre('a', 261, 262));  // "a", "ab", "abc"
  EXPECT_EQ(*grammar->Advance(Ids{261}), 1);
  EXPECT_THAT(grammars.Allowed(*grammar), ElementsAre('c', 'd'));
  EXPECT_EQ(*grammar->Advance(Ids{'d'}), 1);
  EXPECT_THAT(grammars.Allowed(*grammar), ElementsAre(kEndOfText));
}

TEST(Grammar, StopsBeforeTheFirstTokenThatMayNotFollow) {
  const Grammars grammars;
  const auto grammar = grammars.Compile(Kind::kRegex, "[0-9]+");
  EXPECT_EQ(*grammar->Advance(Ids{'1', '2', 'x', '3'}), 2);
  EXPECT_EQ(*grammar->Advance(Ids{'3'}), 1);
}

// The latest are kept compiled: more than there is room for here, so that each is found, and is compiled again.
TEST(Grammar, AnswersToOneGrammarKnowNothingOfEachOther) {
  const Grammars grammars;
  std::vector<std::unique_ptr<Grammar>> answers;
  for (int i = 0; i < 24; ++i) {
    const std::string digits = std::to_string(1 + i % 6);
    answers.push_back(grammars.Compile(Kind::kRegex, "[0-9]{" + digits + "}"));
    for (int have = 0; have < i / 6; ++have) EXPECT_EQ(*answers.back()->Advance(Ids{'7'}), have < 1 + i % 6 ? 1 : 0);
    answers.push_back(grammars.Compile(Kind::kRegex, "[0-9]{" + digits + "}"));
    EXPECT_EQ(*answers.back()->Advance(Ids(9, '3')), 1 + i % 6);
  }
}

// What answers share is freed by none of them.
TEST(Grammar, ThreadsShareTheKeptGrammars) {
  const Grammars grammars;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&grammars, t] {
      for (int i = 0; i < 60; ++i) {
        const auto grammar = grammars.Compile(Kind::kRegex, "[0-9]{" + std::to_string(1 + (t + i) % 6) + "}");
        EXPECT_EQ(*grammar->Advance(Ids(9, '3')), 1 + (t + i) % 6);
        EXPECT_THAT(grammars.Allowed(*grammar), ElementsAre(kEndOfText));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A request whose answers are many compiles its grammar once.
TEST(Grammar, TheLastGrammarTakesAFractionOfItsTimeAgain) {
  const Grammars grammars;
  std::string choices = "[";
  for (int i = 0; i < 3000; ++i) choices += (i > 0 ? ",\"" : "\"") + std::to_string(i * 7919) + "\"";
  choices += "]";
  const auto seconds = [&] {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_NE(grammars.Compile(Kind::kChoice, choices), nullptr);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const double first = seconds();
  double least = first;
  for (int i = 0; i < 5; ++i) least = std::min(least, seconds());
  EXPECT_LT(least, first / 2);
}

TEST(Grammar, GoesBackToWhereItWas) {
  const Grammars grammars;
  std::mt19937 random(kSeed);
  const auto grammar = grammars.Compile(Kind::kJsonObject, "");
  Ids written;
  std::vector<Ids> allowed = {grammars.Allowed(*grammar)};
  for (int i = 0; i < 300; ++i) {
    if (random() % 4 == 0 && !written.empty()) {
      const int back = 1 + static_cast<int>(random() % written.size());
      ASSERT_TRUE(grammar->Rollback(back).ok());
      written.resize(written.size() - back);
      allowed.resize(allowed.size() - back);
      ASSERT_EQ(grammars.Allowed(*grammar), allowed.back()) << "seed " << kSeed << ", round " << i;
      continue;
    }
    const int32_t next = allowed.back()[random() % allowed.back().size()];
    if (next == kEndOfText) continue;
    ASSERT_EQ(*grammar->Advance(Ids{next}), 1);
    written.push_back(next);
    allowed.push_back(grammars.Allowed(*grammar));
  }
}

TEST(Grammar, SaysWhatMustFollow) {
  const Grammars grammars;
  const auto grammar = grammars.Compile(Kind::kRegex, "the answer is (yes|no)");
  EXPECT_EQ(*grammar->Forced(), "the answer is ");
  EXPECT_EQ(*grammar->Advance(Ids{257}), 1);
  EXPECT_EQ(*grammar->Forced(), " answer is ");
}

TEST(Grammar, HoldsPiecesWithBlanksAndByteTokensToTheBytesTheyWrite) {
  const Grammars grammars(ByteFallbackTokenizer(), {2});
  const auto grammar = grammars.Compile(Kind::kRegex, "é");
  EXPECT_THAT(grammars.Allowed(*grammar), ElementsAre(3 + 0xc3));
  EXPECT_EQ(*grammar->Advance(Ids{3 + 0xc3, 3 + 0xa9}), 2);
  EXPECT_THAT(grammars.Allowed(*grammar), ElementsAre(2));
}

TEST(Grammar, KeepsControlTokensApartFromTheirText) {
  const Grammars grammars;
  const int32_t im_end = grammars.tokenizer().IdOfAdded("<|im_end|>");
  const auto text = grammars.Compile(Kind::kRegex, ".*");
  EXPECT_THAT(grammars.Allowed(*text), testing::Not(testing::Contains(im_end)));
  const auto named = grammars.Compile(Kind::kLark, "start: \"a\" <|im_end|>");
  EXPECT_EQ(*named->Advance(Ids{'a'}), 1);
  EXPECT_THAT(grammars.Allowed(*named), ElementsAre(im_end));
}

TEST(Grammar, ReadsGbnf) {
  const Grammars grammars;
  const std::string list = R"(# a list
root  ::= "[" (item ("," item)*)? "]"   # of items
item  ::= [0-9]{1,3} | Word | [^a-z\]\x00-\x1f"/-]
Word  ::= "\"" ( [a-z-]+
          "\"" )
)";
  for (const char* text : {"[]", "[1]", "[1,222]", "[\"a-b\",7]", "[%]", "[\xc3\xa9]"}) {
    EXPECT_TRUE(grammars.Accepts(Kind::kGbnf, list, text)) << text;
  }
  for (const char* text : {"", "[1", "[1234]", "[\"A\"]", "[a]", "[-]", "[1,]"}) {
    EXPECT_FALSE(grammars.Accepts(Kind::kGbnf, list, text)) << text;
  }
}

TEST(Grammar, ReadsGbnfWithSpaceBeforeRepetitions) {
  const Grammars grammars;
  const std::string text = "root ::= \"a\" * [b] {2} (\"c\"\n  + d ?)  # and\n\nd ::= \"d\"\n";
  EXPECT_TRUE(grammars.Accepts(Kind::kGbnf, text, "aabbccd"));
  EXPECT_TRUE(grammars.Accepts(Kind::kGbnf, text, "bbc"));
  EXPECT_FALSE(grammars.Accepts(Kind::kGbnf, text, "abc"));
}

TEST(Grammar, MatchesARegularExpressionWithTheWholeAnswer) {
  const Grammars grammars;
  for (const char* regex : {"a+", "^a+$", "^a+", "a+$"}) {
    EXPECT_TRUE(grammars.Accepts(Kind::kRegex, regex, "aa")) << regex;
    EXPECT_FALSE(grammars.Accepts(Kind::kRegex, regex, "ba")) << regex;
  }
  EXPECT_TRUE(grammars.Accepts(Kind::kRegex, "a\\$", "a$"));
}

TEST(Grammar, SaysWhyAGrammarIsRefused) {
  const Grammars grammars;
  EXPECT_THAT(grammars.Refusal(Kind::kJsonSchema, "{"), HasSubstr("JSON schema: it is not JSON"));
  EXPECT_THAT(grammars.Refusal(Kind::kJsonSchema, R"({"type": "object", "uniqueItems": true})"),
              HasSubstr("uniqueItems"));
  EXPECT_THAT(grammars.Refusal(Kind::kJsonSchema, R"({"x-guidance": {"lenient": true}, "uniqueItems": true})"),
              HasSubstr("uniqueItems"));
  EXPECT_THAT(grammars.Refusal(Kind::kRegex, "(a"), HasSubstr("regular expression: "));
  EXPECT_THAT(grammars.Refusal(Kind::kChoice, "[]"), HasSubstr("one choice at least"));
  EXPECT_THAT(grammars.Refusal(Kind::kLark, "start: missing"), HasSubstr("missing"));
  EXPECT_THAT(grammars.Refusal(Kind::kGbnf, "root ::= \"a\"\nx = 3"), HasSubstr("line 2"));
  EXPECT_THAT(grammars.Refusal(Kind::kRegex, std::string(1000, '(')), HasSubstr("nested more than 256 deep"));
  EXPECT_THAT(grammars.Refusal(Kind::kLark, std::string((1 << 20) + 1, ' ')), HasSubstr("at most 1048576"));
}

// api_surface.md complaint: a malformed grammar after a valid one ended the engine.
TEST(Grammar, AMalformedGrammarAfterAValidOneHarmsNobody) {
  const Grammars grammars;
  const auto before = grammars.Compile(Kind::kLark, "start: \"a\" \"b\"");
  EXPECT_NE(grammars.Refusal(Kind::kLark, "start: ((\"a\" | ) %json { \"type\": }"), "");
  EXPECT_EQ(*before->Advance(Ids{'a', 'b'}), 2);
  EXPECT_TRUE(grammars.Accepts(Kind::kRegex, "c", "c"));
}

// Each of many alternatives is compared with every other, and each pattern.
TEST(Grammar, ASchemaThatWouldTakeMinutesIsRefusedWithinItsBudget) {
  const Grammars grammars;
  Json options, nested, patterns = {{"type", "object"}};
  for (int i = 0; i < 4000; ++i) {
    const std::string name = "k" + std::to_string(i);
    options.push_back({{"type", "object"}, {"properties", {{"a", {{"type", "string"}, {"maxLength", i}}}}}});
    patterns["patternProperties"]["^" + name + "[a-z]{1,50}x?$"] = {{"type", "integer"}};
  }
  for (int i = 0; i < 12; ++i) {
    nested.push_back(
        {{"anyOf", {{{"required", {"a" + std::to_string(i)}}}, {{"required", {"b" + std::to_string(i)}}}}}});
  }
  for (const Json& schema : {Json{{"oneOf", options}}, patterns, Json{{"type", "object"}, {"allOf", nested}}}) {
    const auto start = std::chrono::steady_clock::now();
    const std::string refusal = grammars.Refusal(Kind::kJsonSchema, schema.dump());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    EXPECT_NE(refusal, "") << schema.dump().substr(0, 200);
    EXPECT_LT(seconds, 10) << schema.dump().substr(0, 200);
  }
  EXPECT_TRUE(grammars.Accepts(Kind::kRegex, "c", "c"));
}

// Every text of these has ever more ways to be read: a token would take seconds, then minutes.
TEST(Grammar, AnAnswerIsGivenUpWhoseTokensTakeTooLong) {
  const Grammars grammars;
  for (const char* ambiguous : {"start: s\ns: s s s | s s | \"a\" | \"\"", "start: s\ns: s s | s s s s | \"a\""}) {
    const auto grammar = grammars.Compile(Kind::kLark, ambiguous);
    const auto start = std::chrono::steady_clock::now();
    std::vector<uint32_t> mask(16);
    absl::Status error;
    double longest = 0;
    for (int i = 0; i < 4000 && error.ok(); ++i) {
      const auto begin = std::chrono::steady_clock::now();
      error = grammar->Mask(mask).status();
      if (error.ok()) error = grammar->Advance(Ids{'a'}).status();
      longest = std::max(longest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    EXPECT_THAT(std::string(Message(error)), HasSubstr("takes more time than a token is granted"));
    EXPECT_EQ(grammar->Forced().status(), error) << "its last word";
    EXPECT_LT(longest, 5);
    EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 60);
  }
  EXPECT_TRUE(grammars.Accepts(Kind::kRegex, "c", "c"));
}

TEST(Grammar, DraftsThatGoThereAndBackAreNotGrantedATokensTimeAgain) {
  const Grammars grammars;
  const auto grammar = grammars.Compile(Kind::kRegex, "a+");
  std::vector<uint32_t> mask(16);
  absl::Status error;
  for (int i = 0; i < 1'000'000 && error.ok(); ++i) {
    error = grammar->Advance(Ids{'a', 'a', 'a', 'a'}).status();
    if (error.ok()) error = grammar->Mask(mask).status();
    if (error.ok()) error = grammar->Rollback(4);
  }
  EXPECT_THAT(std::string(Message(error)), HasSubstr("takes more time than a token is granted"));
}

TEST(Grammar, APauseOfTheProcessIsNoTimeOfItsCalls) {
  const Grammars grammars;
  const auto grammar = grammars.Compile(Kind::kRegex, "a+");
  std::vector<uint32_t> mask(16);
  std::atomic<bool> is_over = false;
  const std::jthread pausing([&] {
    const std::string own = std::to_string(getpid());
    EXPECT_EQ(std::system(("kill -STOP " + own + "; sleep 1.2; kill -CONT " + own).c_str()), 0);
    is_over = true;
  });
  // Calls take most of the time, so the pause is nearly always within one.
  while (!is_over) {
    ASSERT_EQ(*grammar->Advance(Ids(100, 'a')), 100);
    ASSERT_TRUE(grammar->Mask(mask).ok());
  }
}

TEST(Grammar, SaysThatNothingSatisfiesIt) {
  const Grammars grammars;
  std::vector<uint32_t> mask(16);
  const auto grammar = grammars.Compile(Kind::kLark, "start: A\nA: /a/ & /b/");
  EXPECT_EQ(Message(grammar->Mask(mask).status()), "grammar: no text that the model can write satisfies it");
}

}  // namespace
}  // namespace engine

// Grammars of calls, compiled, against answers.
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/text/output_parser/fixtures.h"
#include "tests/unit/text/small_tokenizers.h"
#include "text/grammar.h"
#include "text/output_parser/call_grammar.h"

namespace engine {
namespace {

constexpr int32_t kEndOfText = 263;  // of ByteLevelTokenizer

// Calls of these, in the order and with the spaces that templates show.
const std::vector<ToolFunction>& Functions() {
  static const auto& functions = *new std::vector<ToolFunction>{
      {"get_weather", R"({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                          "required": ["city", "days"], "additionalProperties": false})"},
      {"now", R"({"type": "object", "properties": {}, "additionalProperties": false})"}};
  return functions;
}

struct Told {
  bool fits = false;  // so far
  bool may_end = false;
};

class Grammars {
 public:
  Grammars() : tokenizer_(Load(ByteLevelTokenizer())), compiler_(Compiler(*tokenizer_)) {}

  // Byte by byte.
  Told Tell(const std::string& lark, const std::string& text) const {
    return Tell({.kind = OutputGrammar::Kind::kLark, .text = lark}, text);
  }
  Told Tell(const OutputGrammar& form, const std::string& text) const {
    const auto grammar = compiler_->Compile(form);
    EXPECT_TRUE(grammar.ok()) << grammar.status() << "\n" << form.before << form.text;
    if (!grammar.ok()) return {};
    std::vector<int32_t> ids;
    for (const char byte : text) ids.push_back(static_cast<uint8_t>(byte));
    const bool fits = (*grammar)->Advance(ids).value() == static_cast<int>(ids.size());
    std::vector<uint32_t> mask(static_cast<size_t>(tokenizer_->vocab_size() + 31) / 32);
    return {.fits = fits, .may_end = fits && (*grammar)->Mask(mask).value()};
  }

 private:
  static std::unique_ptr<GrammarCompiler> Compiler(const Tokenizer& tokenizer) {
    return *GrammarCompiler::Create(tokenizer, tokenizer.vocab_size(), std::vector<int32_t>{kEndOfText});
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<GrammarCompiler> compiler_;
};

std::string Without(std::string text, const std::string& part) {
  for (size_t at; (at = text.find(part)) != std::string::npos;) text.erase(at, part.size());
  return text;
}

bool Has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Those that are as a template writes them, without what is said between: the first of each family.
const std::vector<std::string>& Canonical() {
  static const auto& names = *new std::vector<std::string>{
      "hermes",        "llama 3",     "granite",     "phi 4 mini",    "internlm", "jamba",        "cohere",
      "apertus",       "mistral v11", "deepseek r1", "deepseek v3.1", "pythonic", "lfm2",         "olmo 3",
      "functiongemma", "qwen3-coder", "seed",        "glm",           "minimax",  "deepseek v3.2"};
  return names;
}

TEST(CallGrammarMatch, AllowsEachFamilysOwnCallsAndNothingElse) {
  const Grammars grammars;
  size_t told_of = 0;
  for (const OutputFixture& fixture : OutputFixtures()) {
    if (std::ranges::find(Canonical(), fixture.name) == Canonical().end()) continue;
    ++told_of;
    const OutputFormat format = OptionsOf(fixture).format;
    const bool in_reasoning = format.reasoning != nullptr && !Has(fixture.text, format.reasoning->open) &&
                              Has(fixture.text, format.reasoning->close);
    const std::string lark =
        CallGrammar(format, {.functions = Functions(),
                             .required = true,
                             .start = in_reasoning ? ReasoningStart::kOpen : ReasoningStart::kMayOpen});
    std::string text = Without(Without(fixture.text, "I look."), "\n\n\n");
    while (text.ends_with('\n')) text.pop_back();
    const Told told = grammars.Tell(lark, text);
    EXPECT_TRUE(told.fits && told.may_end) << fixture.name << "\n" << text << "\n" << lark;
    EXPECT_FALSE(grammars.Tell(lark, "Hello.").may_end) << fixture.name;
    EXPECT_FALSE(grammars.Tell(lark, "").may_end) << fixture.name;
  }
  EXPECT_EQ(told_of, Canonical().size());
}

TEST(CallGrammarMatch, RefusesOtherNamesAndArguments) {
  const Grammars grammars;
  const std::string lark =
      CallGrammar({.tools = *FindToolFormat("hermes", "")}, {.functions = Functions(), .required = true});
  EXPECT_TRUE(grammars.Tell(lark, R"(<tool_call>{"name": "now", "arguments": {}}</tool_call>)").may_end);
  EXPECT_FALSE(grammars.Tell(lark, R"(<tool_call>{"name": "then)").fits);
  EXPECT_FALSE(grammars.Tell(lark, R"(<tool_call>{"name": "get_weather", "arguments": {"city": 3)").fits);
  EXPECT_FALSE(grammars.Tell(lark, R"(<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"})").fits);
}

TEST(CallGrammarMatch, HoldsOnlyCallsToTheirFormWhenNoneIsRequired) {
  const Grammars grammars;
  const std::string lark = CallGrammar({.tools = *FindToolFormat("hermes", "")}, {.functions = Functions()});
  EXPECT_TRUE(grammars.Tell(lark, "1 < 2, <tool> {\"name\": 3}").may_end);
  EXPECT_TRUE(grammars.Tell(lark, R"(I look. <tool_call>{"name": "now", "arguments": {}}</tool_call> Done.)").may_end);
  EXPECT_FALSE(grammars.Tell(lark, "I look. <tool_call> now").fits);
  EXPECT_FALSE(grammars.Tell(lark, R"(<tool_call>{"name": "now")").may_end);
}

TEST(CallGrammarMatch, CompilesForEveryFormat) {
  const Grammars grammars;
  for (const std::string_view name : ToolFormatNames()) {
    for (const bool required : {false, true}) {
      grammars.Tell(CallGrammar({.tools = *FindToolFormat(name, "")}, {.functions = Functions(), .required = required}),
                    "");
    }
  }
}

using Kind = OutputGrammar::Kind;

// Each allows 12 and not 13.
const std::vector<OutputGrammar>& Forms() {
  static const auto& forms = *new std::vector<OutputGrammar>{{Kind::kJsonSchema, R"({"enum": [12]})"},
                                                             {Kind::kRegex, "1[2]"},
                                                             {Kind::kChoice, R"(["12"])"},
                                                             {Kind::kLark, "start: \"1\" \"2\""},
                                                             {Kind::kGbnf, "root ::= \"12\""}};
  return forms;
}

TEST(CallGrammarMatch, AnAnswerWithAFormMayBeginWithReasoningOrWithTheForm) {
  const Grammars grammars;
  std::set<std::string_view> told_of;
  for (const std::string_view name : ReasoningFormatNames()) {
    const ReasoningFormat& reasoning = **FindReasoningFormat(name, "");
    if (reasoning.open.empty() || !told_of.insert(reasoning.open).second) continue;  // harmony; many write alike
    const std::string thought = std::string(reasoning.open) + "\nIs it 13? <b> {\"a\": " + std::string(reasoning.close);
    for (OutputGrammar form : Forms()) {
      const std::string what = absl::StrFormat("%s, %s", name, Name(form.kind));
      form.before = BeforeAnswer({.reasoning = &reasoning}, {}, ReasoningStart::kMayOpen);
      EXPECT_TRUE(grammars.Tell(form, "12").may_end) << what;
      EXPECT_TRUE(grammars.Tell(form, thought + "\n\n12").may_end) << what;
      EXPECT_FALSE(grammars.Tell(form, thought).may_end) << what;
      EXPECT_FALSE(grammars.Tell(form, thought + "13").fits) << what;
      EXPECT_FALSE(grammars.Tell(form, "13").fits) << what;
      EXPECT_FALSE(grammars.Tell(form, "12" + thought).fits) << what;
      form.before = BeforeAnswer({.reasoning = &reasoning}, {}, ReasoningStart::kNone);
      EXPECT_TRUE(grammars.Tell(form, "12").may_end) << what;
      EXPECT_FALSE(grammars.Tell(form, std::string(reasoning.open)).fits) << what;
    }
  }
}

TEST(CallGrammarMatch, AFormThatAllowsTheMarkersMayFollowReasoningToo) {
  const Grammars grammars;
  const OutputFormat format = {.reasoning = *FindReasoningFormat("qwen3", "")};
  for (const char* regex : {"(?s:.*)!", "<think>no</think>!", "[<>/a-z]+!"}) {
    const OutputGrammar form{
        .kind = Kind::kRegex, .text = regex, .before = BeforeAnswer(format, {}, ReasoningStart::kMayOpen)};
    EXPECT_TRUE(grammars.Tell(form, "<think>no</think>!").may_end) << regex;
    EXPECT_FALSE(grammars.Tell(form, "<think>no</think>").may_end) << regex;
  }
}

struct Family {
  std::string tools;
  std::string before;  // the text of a call that begins the answer, up to the value of days
  std::string after;
};

const std::vector<Family>& Families() {
  static const auto& families = *new std::vector<Family>{
      {"hermes",
       "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\": ", "}}\n</tool_call>"},
      {"llama3_json", R"({"name": "get_weather", "parameters": {"city": "Paris", "days": )", "}}"},
      {"mistral", R"([TOOL_CALLS]get_weather[ARGS]{"city": "Paris", "days": )", "}"},
      {"pythonic", R"([get_weather(city="Paris", days=)", ")]"},
      {"qwen3_coder", "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n",
       "\n</parameter>\n</function>\n</tool_call>"},
      {"glm45",
       "<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</"
       "arg_key>\n<arg_value>",
       "</arg_value>\n</tool_call>"},
      {"deepseek_v31",
       R"(<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris", "days": )",
       "}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"},
      {"harmony",
       R"(<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Paris", "days": )", "}"},
  };
  return families;
}

// Without `required`: whether the text is an answer.
bool Accepts(const std::string& tools, const std::string& text, const std::string& reasoning = "none") {
  static const auto& grammars = *new Grammars();
  const OutputFormat format = {.reasoning = *FindReasoningFormat(reasoning, ""), .tools = *FindToolFormat(tools, "")};
  return grammars.Tell(CallGrammar(format, {.functions = Functions()}), text).may_end;
}

TEST(CallGrammarMatch, HoldsTheArgumentsOfACallThatTheModelBeginsToTheirSchema) {
  for (const auto& [tools, before, after] : Families()) {
    EXPECT_TRUE(Accepts(tools, before + "3" + after)) << tools;
    EXPECT_FALSE(Accepts(tools, before + "\"x\"" + after)) << tools;
    EXPECT_FALSE(Accepts(tools, before + "3")) << tools << ": the call is not whole";
  }
}

TEST(CallGrammarMatch, LeavesTextAsItIs) {
  for (const auto& family : Families()) {
    for (const std::string text : {"", "Hello.", "It is {\"a\": [1]} <tool or 3 < 4.\n\nTO [x]", "  \n"}) {
      EXPECT_TRUE(Accepts(family.tools, text)) << family.tools << ": " << text;
    }
  }
}

TEST(CallGrammarMatch, HoldsCallsBehindTextAndReasoning) {
  const auto& [tools, before, after] = Families().front();
  for (const std::string text : {"I look.\n", "<think>Hm, <tool.</think>\n\n", "<think>Hm.</think>I look. "}) {
    EXPECT_TRUE(Accepts(tools, text + before + "3" + after + "\n" + before + "4" + after, "qwen3")) << text;
    EXPECT_FALSE(Accepts(tools, text + before + "\"x\"" + after, "qwen3")) << text;
    EXPECT_FALSE(Accepts(tools, text + before + "3" + after + "\n" + before + "\"x\"" + after, "qwen3")) << text;
  }
}

TEST(CallGrammarMatch, AnAnswerOfAnotherFormMayBeACallInstead) {
  const Grammars grammars;
  for (const auto& [tools, before, after] : Families()) {
    for (const std::string reasoning : {"none", "qwen3"}) {
      const bool harmony = tools == "harmony";
      const OutputFormat format = {.reasoning = *FindReasoningFormat(harmony ? "harmony" : reasoning, ""),
                                   .tools = *FindToolFormat(tools, "")};
      const OutputGrammar form{
          .kind = Kind::kJsonSchema,
          .text = R"({"enum": [12]})",
          .before = CallGrammar(format, {.functions = Functions(), .required = true, .or_answer = true})};
      std::string thought = reasoning == "none" ? "" : "<think>Hm, {.</think>\n\n";
      if (harmony) thought = reasoning == "none" ? "" : "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant";
      const std::string answer = harmony ? "<|channel|>final<|message|>12" : "12";
      EXPECT_TRUE(grammars.Tell(form, thought + answer).may_end) << tools << reasoning;
      EXPECT_TRUE(grammars.Tell(form, thought + before + "3" + after).may_end) << tools << reasoning;
      EXPECT_FALSE(grammars.Tell(form, thought + before + "\"x\"" + after).fits) << tools << reasoning;
      EXPECT_FALSE(grammars.Tell(form, thought + answer + before).fits) << tools << reasoning;
      EXPECT_FALSE(grammars.Tell(form, thought + "Hello").fits) << tools << reasoning;
      EXPECT_FALSE(grammars.Tell(form, thought).may_end) << tools << reasoning;
    }
  }
}

}  // namespace
}  // namespace engine

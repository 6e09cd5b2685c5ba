// Which grammar keeps a tool_choice, and how an answer is taken apart.
#include "engine/output_form.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTools[] = R"([{"type": "function", "function": {"name": "now"}},
  {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"place": {}}}}}])";

const ModelText& Text() {
  static const ModelOnDisk model({.weights = DType::kF32});
  static const auto checkpoint = *Checkpoint::Open(model.path());
  static const ModelText text = *LoadModelText(*checkpoint);
  return text;
}

OutputForm Form(const std::string& tool_parser) {
  return *OutputForm::Find({.reasoning_parser = "qwen3", .tool_call_parser = tool_parser}, Text(), kTinyVocab);
}

GenerationRequest Choosing(ToolChoice choice) {
  GenerationRequest request{.tools = kTools, .tool_choice = std::move(choice), .split_output = true};
  return request;
}

const std::vector<int32_t> kPrompt = {'h', 'i'};
constexpr ReasoningStart kStart = ReasoningStart::kMayOpen;

bool BeginsInReasoning(const OutputForm& form, const GenerationRequest& request, const std::vector<int32_t>& prompt) {
  return form.OutputOptions(request, *form.Start(request, prompt))->parser->in_reasoning();
}

TEST(OutputForm, WhereAnAnswerBeginsIsLookedForWhereSomethingAsks) {
  GenerationRequest request;
  EXPECT_EQ(*Form("hermes").Start(request, kPrompt), ReasoningStart::kNone);
  request.split_output = true;
  EXPECT_EQ(*Form("hermes").Start(request, kPrompt), kStart);
}

TEST(OutputForm, ANamedToolIsTheOnlyOneThatItsGrammarCalls) {
  const auto grammar = Form("hermes").Grammar(Choosing({.kind = ToolChoice::Kind::kNamed, .name = "weather"}), kStart);
  ASSERT_TRUE(grammar.ok()) << grammar.status();
  EXPECT_EQ(grammar->kind, OutputGrammar::Kind::kLark);
  EXPECT_THAT(grammar->text, AllOf(HasSubstr("weather"), Not(HasSubstr("now"))));
}

TEST(OutputForm, ARequiredCallMayBeOfAnyTool) {
  const auto grammar = Form("hermes").Grammar(Choosing({.kind = ToolChoice::Kind::kRequired}), kStart);
  ASSERT_TRUE(grammar.ok()) << grammar.status();
  EXPECT_THAT(grammar->text, AllOf(HasSubstr("weather"), HasSubstr("now")));
}

TEST(OutputForm, OtherChoicesLeaveTheRequestsGrammar) {
  GenerationRequest request = Choosing({});
  request.grammar = {.kind = OutputGrammar::Kind::kRegex, .text = "a"};
  EXPECT_EQ(Form("hermes").Grammar(request, kStart)->text, "a");
  EXPECT_THAT(Form("hermes").Grammar(request, kStart)->before, Not(HasSubstr("weather")));
  request.tool_choice.kind = ToolChoice::Kind::kNone;
  EXPECT_EQ(Form("hermes").Grammar(request, kStart)->text, "a");
}

TEST(OutputForm, AnAnswerThatIsJsonMayBeACallInstead) {
  GenerationRequest request = Choosing({});
  for (const auto kind : {OutputGrammar::Kind::kJsonSchema, OutputGrammar::Kind::kJsonObject}) {
    request.grammar = {.kind = kind, .text = "{}"};
    const auto grammar = Form("hermes").Grammar(request, kStart);
    ASSERT_TRUE(grammar.ok()) << grammar.status();
    EXPECT_EQ(grammar->kind, kind);
    EXPECT_EQ(grammar->text, "{}");
    EXPECT_THAT(grammar->before, AllOf(HasSubstr("weather"), HasSubstr("| @answer"), Not(HasSubstr("place"))));
    EXPECT_THAT(Form("none").Grammar(request, kStart)->before, Not(HasSubstr("weather")));
    request.tool_choice.kind = ToolChoice::Kind::kNone;
    EXPECT_THAT(Form("hermes").Grammar(request, kStart)->before, Not(HasSubstr("weather")));
    request.tool_choice.kind = ToolChoice::Kind::kAuto;
  }
}

TEST(OutputForm, AStrictToolHoldsTheCallsThatTheModelMayMake) {
  GenerationRequest request = Choosing({});
  EXPECT_EQ(Form("hermes").Grammar(request, kStart)->kind, OutputGrammar::Kind::kNone);
  request.tools = R"([{"type": "function", "function": {"name": "now", "parameters": {"properties": {"loose": {}}}}},
    {"type": "function", "function": {"name": "weather", "strict": true, "parameters": {"properties": {"place": {}}}}}])";
  const auto grammar = Form("hermes").Grammar(request, kStart);
  ASSERT_TRUE(grammar.ok()) << grammar.status();
  EXPECT_THAT(grammar->text, AllOf(HasSubstr("place"), HasSubstr("now"), Not(HasSubstr("loose"))));
  EXPECT_THAT(std::string(Message(Form("none").Grammar(request, kStart).status())),
              HasSubstr("tools with strict need"));
  request.tool_choice.kind = ToolChoice::Kind::kNone;
  EXPECT_EQ(Form("hermes").Grammar(request, kStart)->kind, OutputGrammar::Kind::kNone);
}

TEST(OutputForm, AChoiceThatCannotBeKeptIsRefused) {
  const auto refusal = [](const std::string& parser, const GenerationRequest& request) {
    return std::string(Message(Form(parser).Grammar(request, kStart).status()));
  };
  EXPECT_THAT(refusal("none", Choosing({.kind = ToolChoice::Kind::kRequired})), HasSubstr("name its tool_call_parser"));
  EXPECT_THAT(refusal("hermes", Choosing({.kind = ToolChoice::Kind::kNamed, .name = "x"})),
              HasSubstr("names x, which is not one of tools"));
  GenerationRequest both = Choosing({.kind = ToolChoice::Kind::kRequired});
  both.grammar.kind = OutputGrammar::Kind::kJsonObject;
  EXPECT_THAT(refusal("hermes", both), HasSubstr("give one of them"));
}

TEST(OutputForm, AnswersAreTakenApartWhereTheRequestAsksForIt) {
  GenerationRequest request = Choosing({});
  EXPECT_NE(Form("hermes").OutputOptions(request, kStart)->parser, nullptr);
  request.split_output = false;
  EXPECT_EQ(Form("hermes").OutputOptions(request, kStart)->parser, nullptr);
}

TEST(OutputForm, ReasoningThatThePromptOpensIsReasoning) {
  std::vector<int32_t> prompt;
  for (const char c : std::string("<think>\n")) prompt.push_back(c);
  EXPECT_TRUE(BeginsInReasoning(Form("hermes"), Choosing({}), prompt));
  EXPECT_FALSE(BeginsInReasoning(Form("hermes"), Choosing({}), kPrompt));
}

TEST(OutputForm, AnAnswerThatThePromptHasBegunGoesOnInItsForm) {
  GenerationRequest request{.split_output = true, .grammar = {.kind = OutputGrammar::Kind::kRegex, .text = "a"}};
  const OutputForm form = Form("none");
  EXPECT_THAT(form.Grammar(request, *form.Start(request, kPrompt))->before, HasSubstr("<think>"));
  request.continue_final_message = true;
  EXPECT_EQ(form.Grammar(request, *form.Start(request, kPrompt))->before, "");
}

TEST(OutputForm, ReasoningThatIsAssumedIsNotWhereTheRequestSwitchesItOff) {
  const OutputForm form = *OutputForm::Find({.reasoning_parser = "deepseek_r1"}, Text(), kTinyVocab);
  GenerationRequest request{.split_output = true};
  EXPECT_TRUE(BeginsInReasoning(form, request, kPrompt));
  request.template_kwargs = R"({"enable_thinking": false})";
  EXPECT_FALSE(BeginsInReasoning(form, request, kPrompt));
}

TEST(OutputForm, ReasoningEndsByTokensThatTheModelHas) {
  GenerationRequest request = Choosing({});
  request.thinking_token_budget = 1;
  const auto refusal = [&](const ModelText& text, int vocab) {
    return std::string(
        Message(OutputForm::Find({.reasoning_parser = "qwen3"}, text, vocab)->Thinking(request, kStart).status()));
  };
  EXPECT_EQ(refusal(Text(), kTinyVocab), "");
  EXPECT_THAT(refusal(Text(), 'k'),
              HasSubstr("needs token 116 of </think>, which ends reasoning; the model's are 0 to 106"));
  ModelText mute;
  mute.tokenizer = *Tokenizer::FromJson(R"({"model": {"type": "BPE", "vocab": {"z": 0}, "merges": []}})");
  EXPECT_THAT(refusal(mute, 1), HasSubstr("needs tokens for </think>"));
}

TEST(OutputForm, AnUnknownParserIsRefusedByName) {
  EXPECT_THAT(std::string(Message(OutputForm::Find({.tool_call_parser = "klingon"}, Text(), kTinyVocab).status())),
              HasSubstr("klingon"));
}

}  // namespace
}  // namespace engine

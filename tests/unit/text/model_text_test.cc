#include "engine/model_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/field_error.h"
#include "core/weights/safetensors_writer.h"
#include "engine/render_prompt.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/text/small_tokenizers.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A checkpoint whose weights do not matter, with side files.
absl::StatusOr<ModelText> LoadWith(const std::vector<std::pair<std::string, std::string>>& files) {
  const TempDir dir;
  const std::vector<float> one = {1.0f};
  dir.Write("config.json", R"({"model_type": "llama"})");
  dir.Write("model.safetensors", SafetensorsWriter().AddTensor("w", DType::kF32, {1}, one).Bytes());
  for (const auto& [name, text] : files) dir.Write(name, text);
  ASSIGN_OR_RETURN(const auto checkpoint, Checkpoint::Open(dir.path()));
  return LoadModelText(*checkpoint);
}

std::string ErrorOf(const std::vector<std::pair<std::string, std::string>>& files) {
  return std::string(LoadWith(files).status().message());
}

TEST(ModelText, NamesAMissingTokenizerAndTheRemedy) {
  EXPECT_THAT(ErrorOf({}), HasSubstr("has no tokenizer.json; add the one its author publishes"));
}

TEST(ModelText, NamesTheFileThatIsBroken) {
  const std::string tokenizer = ByteLevelTokenizer().dump();
  EXPECT_THAT(ErrorOf({{"tokenizer.json", "{"}}), HasSubstr("tokenizer.json: "));
  EXPECT_THAT(ErrorOf({{"tokenizer.json", tokenizer}, {"tokenizer_config.json", "[]"}}),
              HasSubstr("tokenizer_config.json must hold an object"));
}

TEST(ModelText, ATemplateThatCannotBeReadStopsChatsOnly) {
  const auto text = LoadWith({{"tokenizer.json", ByteLevelTokenizer().dump()}, {"chat_template.jinja", "{% if %}"}});
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->chat_template, nullptr);
  EXPECT_EQ(text->template_source, "{% if %}");
  EXPECT_TRUE(RenderPrompt(*text, 1 << 20, {.prompt = "the"}).ok());
  const absl::Status error = RenderPrompt(*text, 1 << 20, {.messages = {{"user", "the"}}}).status();
  EXPECT_EQ(FieldOf(error), "messages");
  EXPECT_THAT(std::string(Message(error)), HasSubstr("line 1 of the chat template"));
}

TEST(ModelText, IgnoresValuesOfTypesThatSayNothing) {
  const auto text = LoadWith({{"tokenizer.json", ByteLevelTokenizer().dump()},
                              {"tokenizer_config.json",
                               R"({"bos_token": {"content": 5}, "eos_token": 7,
                                   "chat_template": [{"name": 3}, 4, {"name": "default", "template": 5}]})"},
                              {"generation_config.json", R"({"eos_token_id": [263, -1, 1e300, "x", [264]]})"}});
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->bos_token, "");
  EXPECT_EQ(text->chat_template, nullptr);
  EXPECT_THAT(text->end_ids, ElementsAre(263, 264, 265));  // 265: <|im_end|>, whatever the files say
}

// Phi's <|end|> ends a turn; harmony's ends a message, which others of the answer may follow.
TEST(ModelText, TheEndOfAMessageIsAnEndWhereNoOtherEndsTheAnswer) {
  nlohmann::ordered_json phi = ByteLevelTokenizer();
  const auto add = [](nlohmann::ordered_json& tokenizer, int id, const char* content) {
    nlohmann::ordered_json token = tokenizer["added_tokens"].back();
    token["id"] = id;
    token["content"] = content;
    token["special"] = true;
    tokenizer["added_tokens"].push_back(token);
  };
  add(phi, 268, "<|end|>");
  nlohmann::ordered_json harmony = phi;
  add(harmony, 269, "<|return|>");
  const auto ends = [](const nlohmann::ordered_json& tokenizer) {
    return LoadWith({{"tokenizer.json", tokenizer.dump()}})->end_ids;
  };
  EXPECT_THAT(ends(phi), Contains(268));
  EXPECT_THAT(ends(harmony), AllOf(Not(Contains(268)), Contains(269)));
}

std::string RenderingError(const std::string& chat_template, const ChatMessage& message) {
  const auto text = LoadWith({{"tokenizer.json", ByteLevelTokenizer().dump()}, {"chat_template.jinja", chat_template}});
  const absl::Status error = RenderPrompt(*text, 1 << 20, {.messages = {message}}).status();
  EXPECT_EQ(FieldOf(error), "messages");
  return std::string(Message(error));
}

TEST(RenderPrompt, ATemplateThatKnowsNoToolsIsNamedWhereItFailsAtTheirCalls) {
  const ChatMessage call{.role = "assistant", .tool_calls = {{.name = "f", .arguments = "{}"}}};
  const std::string adds = "{% for m in messages %}{{ 'a' + m.content }}{% endfor %}";
  const auto explains = HasSubstr("have tool calls or their results, at which the model's chat template");
  EXPECT_THAT(RenderingError(adds, call), AllOf(explains, HasSubstr("+ operator")));
  EXPECT_THAT(RenderingError("{# tools #}" + adds, call), Not(explains));
  EXPECT_THAT(RenderingError(adds, {.role = "user"}), Not(explains));
}

}  // namespace
}  // namespace engine

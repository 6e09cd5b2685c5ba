#include "engine/model_text.h"

#include <algorithm>

#include "core/base/json.h"
#include "nlohmann/json.hpp"
#include "text/gguf_vocabulary.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// Phi's turns end so. So do messages of harmony, of which an answer has several; there its end is another one.
constexpr std::string_view kEndOfMessage = "<|end|>", kReturn = "<|return|>";

// How the known chat formats end a turn, whatever a checkpoint's configuration forgets.
constexpr std::string_view kEndTokens[] = {"<|im_end|>",  "<|eot_id|>", "<|endoftext|>", "<end_of_turn>",
                                           kEndOfMessage, kReturn,      "<|call|>",      "<turn|>"};

void AddEnd(ModelText& text, int64_t id) {
  if (id < 0 || id >= text.tokenizer->vocab_size()) return;
  if (std::ranges::find(text.end_ids, id) == text.end_ids.end()) text.end_ids.push_back(static_cast<int32_t>(id));
}

// An id or a list of ids.
void AddEnds(ModelText& text, const Json& value) {
  if (value.is_number_integer()) AddEnd(text, value.get<int64_t>());
  if (value.is_array()) {
    for (const Json& item : value) AddEnds(text, item);
  }
}

void AddKnownEnds(ModelText& text) {
  const bool is_harmony = text.tokenizer->IdOfAdded(kReturn) >= 0;
  for (const std::string_view name : kEndTokens) {
    if (name != kEndOfMessage || !is_harmony) AddEnd(text, text.tokenizer->IdOfAdded(name));
  }
  AddEnd(text, text.tokenizer->IdOfAdded(text.eos_token));
}

// The string at `key`, or none.
std::string TextAt(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// "bos_token": a string, or an object with its content.
std::string TokenText(const Json& config, const char* key) {
  const auto found = config.find(key);
  return found != config.end() && found->is_object() ? TextAt(*found, "content") : TextAt(config, key);
}

// "chat_template": one template, or a list of named ones of which "default" is meant for chat.
std::string TemplateText(const Json& config) {
  const auto found = config.find("chat_template");
  if (found == config.end() || !found->is_array()) return TextAt(config, "chat_template");
  for (const Json& item : *found) {
    if (item.is_object() && TextAt(item, "name") == "default") return TextAt(item, "template");
  }
  return {};
}

// A side file as JSON; an empty object when there is none.
absl::StatusOr<Json> OptionalJson(const Checkpoint& checkpoint, const std::string& name) {
  const auto text = checkpoint.ReadSideFile(name);
  if (absl::IsNotFound(text.status())) return Json::object();
  RETURN_IF_ERROR(text.status());
  ASSIGN_OR_RETURN(Json json, ParseJson(*text, name));
  if (!json.is_object()) return InvalidArgument("%s: %s must hold an object", checkpoint.path(), name);
  return json;
}

// A model whose template cannot be read still answers plain prompts.
void CompileTemplate(ModelText& text) {
  if (text.template_source.empty()) return;
  auto compiled = ChatTemplate::Compile(text.template_source);
  text.template_error = compiled.status();
  if (!compiled.ok()) return;
  text.chat_template = *std::move(compiled);
  text.template_traits = FindTraits(*text.chat_template);
}

absl::StatusOr<ModelText> FromSideFiles(const Checkpoint& checkpoint) {
  ModelText text;
  const auto tokenizer = checkpoint.ReadSideFile("tokenizer.json");
  if (absl::IsNotFound(tokenizer.status())) {
    return NotFound("%s has no tokenizer.json; add the one its author publishes", checkpoint.path());
  }
  RETURN_IF_ERROR(tokenizer.status());
  ASSIGN_OR_RETURN(text.tokenizer, Tokenizer::FromJson(*tokenizer));
  ASSIGN_OR_RETURN(const Json config, OptionalJson(checkpoint, "tokenizer_config.json"));
  ASSIGN_OR_RETURN(const Json generation, OptionalJson(checkpoint, "generation_config.json"));
  text.bos_token = TokenText(config, "bos_token");
  text.eos_token = TokenText(config, "eos_token");
  for (const Json* source : {&generation, &checkpoint.config()}) {
    if (source->contains("eos_token_id")) AddEnds(text, (*source)["eos_token_id"]);
  }
  AddKnownEnds(text);
  const auto jinja = checkpoint.ReadSideFile("chat_template.jinja");  // newer repositories; it overrides the other
  if (!jinja.ok() && !absl::IsNotFound(jinja.status())) return jinja.status();
  text.template_source = jinja.ok() ? *jinja : TemplateText(config);
  return text;
}

template <typename T>
T GetOr(const GgufMetadata& metadata, std::string_view key, const T& otherwise) {
  const T* value = metadata.Get<T>(key);
  return value == nullptr ? otherwise : *value;
}

GgufVocabulary ReadVocabulary(const GgufMetadata& metadata) {
  using Texts = std::vector<std::string_view>;
  const bool* add_bos = metadata.Get<bool>("tokenizer.ggml.add_bos_token");
  return {.model = GetOr(metadata, "tokenizer.ggml.model", std::string_view()),
          .pre = GetOr(metadata, "tokenizer.ggml.pre", std::string_view("default")),
          .tokens = GetOr(metadata, "tokenizer.ggml.tokens", Texts()),
          .scores = GetOr(metadata, "tokenizer.ggml.scores", std::vector<double>()),
          .types = GetOr(metadata, "tokenizer.ggml.token_type", std::vector<int64_t>()),
          .merges = GetOr(metadata, "tokenizer.ggml.merges", Texts()),
          .bos = GetOr(metadata, "tokenizer.ggml.bos_token_id", int64_t{-1}),
          .unknown = GetOr(metadata, "tokenizer.ggml.unknown_token_id", int64_t{-1}),
          .add_bos = add_bos == nullptr ? std::nullopt : std::optional(*add_bos),
          .add_space_prefix = GetOr(metadata, "tokenizer.ggml.add_space_prefix", true)};
}

absl::StatusOr<ModelText> FromGguf(const GgufMetadata& metadata) {
  const GgufVocabulary vocabulary = ReadVocabulary(metadata);
  ASSIGN_OR_RETURN(const std::string json, TokenizerJson(vocabulary));
  ModelText text;
  ASSIGN_OR_RETURN(text.tokenizer, Tokenizer::FromJson(json));
  const auto token_text = [&](int64_t id) {
    const bool known = id >= 0 && id < static_cast<int64_t>(vocabulary.tokens.size());
    return known ? std::string(vocabulary.tokens[id]) : std::string();
  };
  text.bos_token = token_text(vocabulary.bos);
  text.eos_token = token_text(GetOr(metadata, "tokenizer.ggml.eos_token_id", int64_t{-1}));
  for (const char* key : {"eos", "eot", "eom"}) {
    AddEnd(text, GetOr(metadata, absl::StrFormat("tokenizer.ggml.%s_token_id", key), int64_t{-1}));
  }
  AddKnownEnds(text);
  text.template_source = GetOr(metadata, "tokenizer.chat_template", std::string_view());
  return text;
}

}  // namespace

absl::StatusOr<ModelText> LoadModelText(const Checkpoint& checkpoint, const std::string& chat_template) {
  auto text = checkpoint.gguf() != nullptr ? FromGguf(*checkpoint.gguf()) : FromSideFiles(checkpoint);
  if (!text.ok()) return Annotate(text.status(), checkpoint.path());
  if (!chat_template.empty()) text->template_source = chat_template;
  CompileTemplate(*text);
  return text;
}

}  // namespace engine

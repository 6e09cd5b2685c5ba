#include "tests/models/tiny_chat_model.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <vector>

#include "core/base/check.h"
#include "core/base/files.h"
#include "core/weights/quant.h"
#include "core/weights/safetensors_writer.h"
#include "models/gguf_names.h"
#include "nlohmann/json.hpp"
#include "tests/models/tiny_checkpoint.h"
#include "tests/support/gguf_writer.h"
#include "text/gguf_vocabulary.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kLayers = 2;
constexpr int kHeads = 4;
constexpr int kKvHeads = 2;
constexpr int kTableRows = 272;
constexpr int kWindow = 48;
constexpr uint64_t kSeed = 20;

constexpr char kTemplate[] =
    "{% if tools %}<|im_start|>system\n<tool_call> {{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

struct Vocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;  // 1: normal, 3: control
  std::vector<std::string> merges;
};

std::string Utf8(int code_point) {
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  return {static_cast<char>(0xC0 | (code_point >> 6)), static_cast<char>(0x80 | (code_point & 0x3F))};
}

// GPT-2's alphabet: printable Latin-1 stands for itself, the other bytes for the code points from 256 on.
Vocabulary MakeVocabulary() {
  Vocabulary vocabulary;
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool itself = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    vocabulary.tokens.push_back(Utf8(itself ? byte : next++));
  }
  const std::string blank = vocabulary.tokens[' '];
  const std::string pairs[][2] = {{blank, "t"}, {"h", "e"},   {"i", "n"},         {"e", "r"},
                                  {"a", "n"},   {blank, "a"}, {blank + "t", "he"}};
  for (const auto& [left, right] : pairs) {
    vocabulary.tokens.push_back(left + right);
    vocabulary.merges.push_back(absl::StrFormat("%s %s", left, right));
  }
  vocabulary.types.assign(vocabulary.tokens.size(), 1);
  for (const char* control : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) {
    vocabulary.tokens.emplace_back(control);
    vocabulary.types.push_back(3);
  }
  ENGINE_CHECK(vocabulary.tokens.size() == kTinyVocab && vocabulary.tokens[kTinyTurnEnd] == "<|im_end|>");
  return vocabulary;
}

// Steps give outputs of order 1 to inputs of order 1: values are uniform in 256 steps, whose deviation is 74 steps.
std::vector<TinyTensor> ListTensors(int hidden) {
  constexpr float kStep = 0x1p-10f;
  std::vector<TinyTensor> tensors;
  const auto matrix = [&](const std::string& name, int64_t n, float step) {
    tensors.push_back({name + ".weight", {n, hidden}, 0.0f, step, 0});
  };
  const auto norm = [&](const std::string& name) { tensors.push_back({name + ".weight", {hidden}, 1.0f, 0x1p-9f, 0}); };
  matrix("model.embed_tokens", kTableRows, 0x1p-7f);
  for (int layer = 0; layer < kLayers; ++layer) {
    const std::string name = "model.layers." + std::to_string(layer) + ".";
    norm(name + "input_layernorm");
    matrix(name + "self_attn.q_proj", hidden, kStep);
    matrix(name + "self_attn.k_proj", kKvHeads * hidden / kHeads, kStep);
    matrix(name + "self_attn.v_proj", kKvHeads * hidden / kHeads, kStep);
    matrix(name + "self_attn.o_proj", hidden, kStep);
    norm(name + "post_attention_layernorm");
    for (const char* part : {"gate_proj", "up_proj", "down_proj"}) matrix(name + "mlp." + part, hidden, kStep);
  }
  norm("model.norm");
  matrix("lm_head", kTableRows, 2 * kStep);
  return tensors;
}

std::vector<float> Values(const TinyChatModel& model, const TinyTensor& tensor) {
  std::vector<float> values = DrawWeights(kSeed, tensor);
  if (tensor.name == "model.embed_tokens.weight" && model.nan_token >= 0) {
    std::fill_n(values.begin() + model.nan_token * model.hidden, model.hidden, std::numeric_limits<float>::quiet_NaN());
  }
  return values;
}

// As compressed-tensors writes "W8A8".
Json QuantizationJson(const TinyChatModel& model) {
  const Json weights = {{"num_bits", 8}, {"type", "int"}, {"symmetric", true}, {"strategy", "channel"}};
  const Json activations = {{"num_bits", 8}, {"type", "int"}, {"dynamic", true}, {"strategy", "token"}};
  return {{"quant_method", "compressed-tensors"},
          {"format", "int-quantized"},
          {"ignore", model.head ? Json::array({"lm_head"}) : Json::array()},
          {"kv_cache_scheme", nullptr},
          {"config_groups",
           {{"group_0", {{"targets", {"Linear"}}, {"weights", weights}, {"input_activations", activations}}}}}};
}

Json ConfigJson(const TinyChatModel& model) {
  Json config = {{"architectures", {"LlamaForCausalLM"}},
                 {"hidden_size", model.hidden},
                 {"intermediate_size", model.hidden},
                 {"num_hidden_layers", kLayers},
                 {"num_attention_heads", kHeads},
                 {"num_key_value_heads", kKvHeads},
                 {"vocab_size", kTableRows},
                 {"max_position_embeddings", kTinyContext},
                 {"rms_norm_eps", 1e-5},
                 {"rope_theta", 10000.0},
                 {"eos_token_id", kTinyTurnEnd}};
  if (model.sliding_window) {
    config["layer_types"] = {"full_attention", "sliding_attention"};
    config["sliding_window"] = kWindow;
  }
  if (model.weights == DType::kW8) config["quantization_config"] = QuantizationJson(model);
  if (IsW4(model.weights)) config["quantization_config"] = Int4Config(model.scheme);
  return config;
}

// The integers of a matrix whose values are whole steps, and the step as every row's scale.
void AddIntegers(const TinyTensor& tensor, std::vector<float> values, SafetensorsWriter& writer) {
  for (float& value : values) value /= tensor.step;
  std::string integers(values.size(), '\0');
  QuantizeRow(DType::kW8, values, std::as_writable_bytes(std::span(integers)));
  writer.AddRaw(tensor.name, "I8", tensor.shape, integers);
  const std::vector<float> scales(tensor.shape[0], tensor.step);
  writer.AddTensor(tensor.name + "_scale", DType::kF32, {tensor.shape[0], 1}, scales);
}

void AddInt4(const TinyChatModel& model, const TinyTensor& tensor, std::span<const float> values,
             SafetensorsWriter& writer) {
  const int64_t n = tensor.shape[0], k = tensor.shape[1];
  std::vector<std::byte> rows(n * RowBytes(model.weights, k));
  QuantizeRow(model.weights, values, rows);
  const std::string name = tensor.name.substr(0, tensor.name.rfind(".weight"));
  AddInt4({name, n, k, model.weights, rows}, model.scheme, writer);
}

absl::StatusOr<std::string> WriteGguf(const TinyChatModel& model, const std::filesystem::path& path) {
  const Vocabulary vocabulary = MakeVocabulary();
  GgufWriter writer;
  writer.Set("general.architecture", "llama")
      .Set("llama.block_count", uint32_t{kLayers})
      .Set("llama.embedding_length", static_cast<uint32_t>(model.hidden))
      .Set("llama.feed_forward_length", static_cast<uint32_t>(model.hidden))
      .Set("llama.attention.head_count", uint32_t{kHeads})
      .Set("llama.attention.head_count_kv", uint32_t{kKvHeads})
      .Set("llama.context_length", uint32_t{kTinyContext})
      .Set("llama.attention.layer_norm_rms_epsilon", 1e-5f)
      .Set("llama.rope.freq_base", 10000.0f)
      .Set("tokenizer.ggml.model", "gpt2")
      .Set("tokenizer.ggml.pre", "gpt-2")
      .Set("tokenizer.ggml.tokens", vocabulary.tokens)
      .Set("tokenizer.ggml.token_type", vocabulary.types)
      .Set("tokenizer.ggml.merges", vocabulary.merges)
      .Set("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(kTinyTurnEnd))
      .Set("tokenizer.chat_template", kTemplate);
  for (const TinyTensor& tensor : ListTensors(model.hidden)) {
    const bool has_nan = model.nan_token >= 0 && tensor.name == "model.embed_tokens.weight";
    const bool plain = tensor.shape.size() == 1 || has_nan;
    ASSIGN_OR_RETURN(const std::string name, GgufTensorName(tensor.name));
    writer.AddTensor(name, plain ? DType::kF32 : model.weights, tensor.shape, Values(model, tensor));
  }
  RETURN_IF_ERROR(WriteFile(path, writer.Bytes()));
  return path.string();
}

absl::StatusOr<std::string> TokenizerText() {
  const Vocabulary vocabulary = MakeVocabulary();
  return TokenizerJson({.model = "gpt2",
                        .pre = "gpt-2",
                        .tokens = {vocabulary.tokens.begin(), vocabulary.tokens.end()},
                        .types = {vocabulary.types.begin(), vocabulary.types.end()},
                        .merges = {vocabulary.merges.begin(), vocabulary.merges.end()}});
}

absl::StatusOr<std::string> WriteDirectory(const TinyChatModel& model, const std::filesystem::path& directory) {
  SafetensorsWriter weights;
  for (const TinyTensor& tensor : ListTensors(model.hidden)) {
    const bool is_table = tensor.name == "model.embed_tokens.weight";
    const bool is_quantised = model.weights == DType::kW8 || IsW4(model.weights);
    if (model.head && tensor.name == "lm_head.weight") {
      weights.AddTensor(tensor.name, *model.head, tensor.shape, Values(model, tensor));
    } else if (!is_quantised) {
      weights.AddTensor(tensor.name, model.weights, tensor.shape, Values(model, tensor));
    } else if (tensor.shape.size() == 1 || is_table) {
      weights.AddTensor(tensor.name, DType::kF32, tensor.shape, Values(model, tensor));
    } else if (IsW4(model.weights)) {
      AddInt4(model, tensor, Values(model, tensor), weights);
    } else {
      AddIntegers(tensor, Values(model, tensor), weights);
    }
  }
  ASSIGN_OR_RETURN(const std::string tokenizer, TokenizerText());
  const Json tokenizer_config = {{"eos_token", "<|im_end|>"}, {"chat_template", kTemplate}};
  RETURN_IF_ERROR(WriteFile(directory / "model.safetensors", weights.Bytes()));
  RETURN_IF_ERROR(WriteFile(directory / "config.json", ConfigJson(model).dump()));
  RETURN_IF_ERROR(WriteFile(directory / "tokenizer.json", tokenizer));
  RETURN_IF_ERROR(WriteFile(directory / "tokenizer_config.json", tokenizer_config.dump()));
  if (!model.generation_config.empty()) {
    RETURN_IF_ERROR(WriteFile(directory / "generation_config.json", model.generation_config));
  }
  return directory.string();
}

}  // namespace

absl::StatusOr<std::string> WriteTinyChatModel(const TinyChatModel& model, const std::string& directory) {
  const std::filesystem::path path(directory);
  const bool is_gguf = IsBlockQuantised(model.weights) && model.weights != DType::kW8 && !IsW4(model.weights);
  if (is_gguf) return WriteGguf(model, path / "tiny.gguf");
  return WriteDirectory(model, path);
}

}  // namespace engine

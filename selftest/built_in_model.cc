#include "selftest/built_in_model.h"

#include <cstdlib>
#include <filesystem>
#include <random>

#include "core/base/files.h"
#include "core/weights/quant.h"
#include "core/weights/safetensors_writer.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// Sizes that leave every tile ragged: heads of 40, rows of 160 and 416 values.
constexpr int kHidden = 160;
constexpr int kIntermediate = 416;
constexpr int kLayers = 3;
constexpr int kHeads = 4;
constexpr int kKvHeads = 2;
constexpr int kVocab = 500;

Json QuantizationJson() {
  const Json weights = {{"num_bits", 8}, {"type", "int"}, {"symmetric", true}, {"strategy", "channel"}};
  const Json activations = {{"num_bits", 8}, {"type", "int"}, {"dynamic", true}, {"strategy", "token"}};
  return {{"quant_method", "compressed-tensors"},
          {"format", "int-quantized"},
          {"ignore", {"lm_head"}},
          {"config_groups",
           {{"group_0", {{"targets", {"Linear"}}, {"weights", weights}, {"input_activations", activations}}}}}};
}

Json ConfigJson(DType weights) {
  Json config = {{"architectures", {"LlamaForCausalLM"}},
                 {"hidden_size", kHidden},
                 {"intermediate_size", kIntermediate},
                 {"num_hidden_layers", kLayers},
                 {"num_attention_heads", kHeads},
                 {"num_key_value_heads", kKvHeads},
                 {"vocab_size", kVocab},
                 {"max_position_embeddings", 256},
                 {"rms_norm_eps", 1e-5},
                 {"rope_theta", 10000.0},
                 {"tie_word_embeddings", true}};
  if (weights == DType::kW8) config["quantization_config"] = QuantizationJson();
  return config;
}

// Draws tensors one after the other. Outputs of matrices are of order 1 where inputs are.
class Tensors {
 public:
  explicit Tensors(DType weights) : weights_(weights) {}

  void Norm(const std::string& name) {
    writer_.AddTensor(name + ".weight", DType::kBF16, {kHidden}, Draw(kHidden, 1, 0.2f));
  }
  void Table(const std::string& name) {
    writer_.AddTensor(name + ".weight", DType::kBF16, {kVocab, kHidden}, Draw(int64_t{kVocab} * kHidden, 0, 1));
  }
  void Matrix(const std::string& name, int64_t n, int64_t k) {
    const float scale = 1.0f / std::sqrt(static_cast<float>(k));
    if (weights_ != DType::kW8) {
      writer_.AddTensor(name + ".weight", weights_, {n, k}, Draw(n * k, 0, scale));
      return;
    }
    std::string integers(n * k, '\0');
    for (char& value : integers) value = static_cast<char>(static_cast<int>(random_() % 255) - 127);
    writer_.AddRaw(name + ".weight", "I8", {n, k}, integers);
    writer_.AddTensor(name + ".weight_scale", DType::kF32, {n, 1},
                      std::vector<float>(n, scale / 74));  // deviation of integers
  }
  std::string Bytes() const { return writer_.Bytes(); }

 private:
  std::vector<float> Draw(int64_t count, float centre, float scale) {
    std::vector<float> values(count);
    for (float& value : values) {
      value = centre + scale * (static_cast<float>(random_() % 256) - 127.5f) / 74;
    }
    return values;
  }

  DType weights_;
  std::mt19937_64 random_{20};
  SafetensorsWriter writer_;
};

std::string TensorBytes(DType weights) {
  constexpr int kKvRows = kHidden / kHeads * kKvHeads;
  Tensors tensors(weights);
  tensors.Table("model.embed_tokens");
  for (int layer = 0; layer < kLayers; ++layer) {
    const std::string name = "model.layers." + std::to_string(layer) + ".";
    tensors.Norm(name + "input_layernorm");
    tensors.Matrix(name + "self_attn.q_proj", kHidden, kHidden);
    tensors.Matrix(name + "self_attn.k_proj", kKvRows, kHidden);
    tensors.Matrix(name + "self_attn.v_proj", kKvRows, kHidden);
    tensors.Matrix(name + "self_attn.o_proj", kHidden, kHidden);
    tensors.Norm(name + "post_attention_layernorm");
    tensors.Matrix(name + "mlp.gate_proj", kIntermediate, kHidden);
    tensors.Matrix(name + "mlp.up_proj", kIntermediate, kHidden);
    tensors.Matrix(name + "mlp.down_proj", kHidden, kIntermediate);
  }
  tensors.Norm("model.norm");
  return tensors.Bytes();
}

}  // namespace

absl::StatusOr<std::unique_ptr<BuiltInModel>> BuiltInModel::Create(DType weights) {
  std::string path = (std::filesystem::temp_directory_path() / "engine-selftest-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) return FailedPrecondition("%s could not be made", path);
  std::unique_ptr<BuiltInModel> model(new BuiltInModel(path));
  RETURN_IF_ERROR(WriteFile(std::filesystem::path(path) / "config.json", ConfigJson(weights).dump()));
  RETURN_IF_ERROR(WriteFile(std::filesystem::path(path) / "model.safetensors", TensorBytes(weights)));
  return model;
}

BuiltInModel::~BuiltInModel() {
  std::error_code ignored;  // a directory that stays is no reason to fail
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace engine

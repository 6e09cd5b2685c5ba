#include "models/models.h"

#include "models/llama.h"
#include "models/mistral.h"
#include "models/qwen.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

constexpr ModelDefinition kModels[] = {
    {"LlamaForCausalLM", ParseLlama, BuildLlama},
    {"MistralForCausalLM", ParseMistral, BuildLlama},
    {"Qwen2ForCausalLM", ParseQwen2, BuildLlama},
    {"Qwen3ForCausalLM", ParseQwen3, BuildLlama},
};

std::string Supported() {
  std::string names;
  for (const ModelDefinition& model : kModels) names += (names.empty() ? "" : ", ") + std::string(model.architecture);
  return names;
}

const ModelDefinition* FindModel(std::string_view architecture) {
  for (const ModelDefinition& model : kModels) {
    if (model.architecture == architecture) return &model;
  }
  return nullptr;
}

absl::StatusOr<std::string> ArchitectureOf(const WeightCatalog& catalog) {
  const auto found = catalog.config().find("architectures");
  if (found == catalog.config().end() || !found->is_array() || found->empty() || !found->front().is_string()) {
    return InvalidArgument("%s names no architecture; supported are %s", catalog.config_name(), Supported());
  }
  return found->front().get<std::string>();
}

}  // namespace

std::span<const ModelDefinition> Models() { return kModels; }

absl::StatusOr<DecoderConfig> ParseModel(const WeightCatalog& catalog) {
  ASSIGN_OR_RETURN(const std::string architecture, ArchitectureOf(catalog));
  const ModelDefinition* model = FindModel(architecture);
  if (model == nullptr) {
    return Unimplemented("architecture %s is not supported; supported are %s", architecture, Supported());
  }
  ConfigReader reader(catalog.config(), catalog.config_name());
  ASSIGN_OR_RETURN(DecoderConfig config, model->parse(reader));
  config.architecture = architecture;
  return config;
}

absl::StatusOr<BuiltModel> BuildModel(const DecoderConfig& config, const WeightCatalog& catalog,
                                      const BuildOptions& options) {
  const ModelDefinition* model = FindModel(config.architecture);
  if (model == nullptr) return Unimplemented("architecture %s is not supported", config.architecture);
  DecoderBuilder builder(config, catalog, options);
  model->build(builder, config);
  return std::move(builder).Finish();
}

}  // namespace engine

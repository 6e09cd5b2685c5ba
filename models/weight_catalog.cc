#include "models/weight_catalog.h"

#include "models/gguf_names.h"
#include "nlohmann/json.hpp"

namespace engine {

absl::StatusOr<WeightCatalog> WeightCatalog::Create(const Checkpoint& checkpoint) {
  WeightCatalog catalog(checkpoint);
  if (!catalog.is_gguf()) {
    catalog.config_ = checkpoint.config();
    return catalog;
  }
  ASSIGN_OR_RETURN(const SourceTensor* embedding, checkpoint.Require("token_embd.weight"));
  if (embedding->shape.size() != 2) return InvalidArgument("token_embd.weight must have two dimensions");
  auto config = ConfigFromGguf(checkpoint.config(), embedding->shape[0], checkpoint.Find("output.weight") != nullptr);
  if (!config.ok()) return Annotate(config.status(), checkpoint.path());
  catalog.config_ = *std::move(config);
  return catalog;
}

const SourceTensor* WeightCatalog::Find(std::string_view name) const {
  if (!is_gguf()) return checkpoint_->Find(name);
  const auto gguf_name = GgufTensorName(name);
  return gguf_name.ok() ? checkpoint_->Find(*gguf_name) : nullptr;
}

absl::StatusOr<const SourceTensor*> WeightCatalog::Require(std::string_view name) const {
  if (!is_gguf()) return checkpoint_->Require(name);
  ASSIGN_OR_RETURN(const std::string gguf_name, GgufTensorName(name));
  return checkpoint_->Require(gguf_name);
}

}  // namespace engine

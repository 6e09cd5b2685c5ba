// A checkpoint's tensors under Hugging Face names, whichever format holds them.
#pragma once

#include <string>
#include <string_view>

#include "core/weights/checkpoint.h"
#include "nlohmann/json_fwd.hpp"

namespace engine {

class WeightCatalog {
 public:
  // Borrows `checkpoint`.
  static absl::StatusOr<WeightCatalog> Create(const Checkpoint& checkpoint);

  // config.json, or its equivalent made from GGUF metadata.
  const nlohmann::ordered_json& config() const { return config_; }
  std::string config_name() const { return checkpoint_->path() + (is_gguf() ? ": metadata" : "/config.json"); }
  bool is_gguf() const { return checkpoint_->format() == CheckpointFormat::kGguf; }

  // Null when the checkpoint lacks it (a tied head, a bias).
  const SourceTensor* Find(std::string_view name) const;
  absl::StatusOr<const SourceTensor*> Require(std::string_view name) const;
  // A tensor that only GGUF knows, under its GGUF name.
  const SourceTensor* FindGguf(std::string_view name) const { return is_gguf() ? checkpoint_->Find(name) : nullptr; }

 private:
  explicit WeightCatalog(const Checkpoint& checkpoint) : checkpoint_(&checkpoint) {}

  const Checkpoint* checkpoint_;
  nlohmann::ordered_json config_;
};

}  // namespace engine

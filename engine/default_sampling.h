// The sampling that a model's author recommends.
#pragma once

#include <string>

#include "core/runtime/sampling_params.h"
#include "core/weights/checkpoint.h"

namespace engine {

// From generation_config.json of a Hugging Face directory (temperature, top_p, top_k, min_p, repetition_penalty), or from
// the catalogue for a model that was pulled under its short name; otherwise the model's own distribution.
absl::StatusOr<SamplingParams> DefaultSampling(const Checkpoint& checkpoint);

// `sampling` with what a JSON object of the same names says; it may have no others. Of an empty text: `sampling`.
absl::StatusOr<SamplingParams> OverrideSampling(const std::string& text, SamplingParams sampling);

// A generation_config.json that DefaultSampling reads as `sampling`.
inline constexpr char kGenerationConfig[] = "generation_config.json";
std::string GenerationConfigText(const SamplingParams& sampling);

}  // namespace engine

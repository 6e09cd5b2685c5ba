#include "engine/default_sampling.h"

#include <algorithm>
#include <limits>

#include "core/base/json.h"
#include "engine/model_path.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// Keys that are absent or null leave `value` as it is.
template <typename T>
absl::Status ReadNumber(const Json& config, const char* key, T& value) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return absl::OkStatus();
  if (!found->is_number()) return InvalidArgument("%s: %s must be a number", kGenerationConfig, key);
  constexpr double kLargest = std::numeric_limits<int32_t>::max();
  value = static_cast<T>(std::clamp(found->get<double>(), -kLargest, kLargest));
  return absl::OkStatus();
}

absl::StatusOr<SamplingParams> FromGenerationConfig(const std::string& text) {
  ASSIGN_OR_RETURN(const Json config, ParseJson(text, kGenerationConfig));
  SamplingParams sampling;
  RETURN_IF_ERROR(ReadNumber(config, "temperature", sampling.temperature));
  RETURN_IF_ERROR(ReadNumber(config, "top_p", sampling.top_p));
  RETURN_IF_ERROR(ReadNumber(config, "top_k", sampling.top_k));
  RETURN_IF_ERROR(ReadNumber(config, "min_p", sampling.min_p));
  RETURN_IF_ERROR(ReadNumber(config, "repetition_penalty", sampling.repetition_penalty));
  sampling.top_k = std::max(sampling.top_k, 0);  // -1 means all there
  if (const absl::Status valid = sampling.Validate(/*vocab_size=*/0); !valid.ok())
    return Annotate(valid, kGenerationConfig);
  return sampling;
}

SamplingParams FromCatalogue(const std::string& path) {
  SamplingParams sampling;
  for (const CatalogueModel& model : ModelCatalogue()) {
    const auto cached = CachedModelPath(model.name);
    if (!cached.ok() || cached->string() != path) continue;
    sampling.temperature = model.temperature;
    sampling.top_p = model.top_p;
  }
  return sampling;
}

}  // namespace

absl::StatusOr<SamplingParams> DefaultSampling(const Checkpoint& checkpoint) {
  const auto text = checkpoint.ReadSideFile(kGenerationConfig);
  if (absl::IsNotFound(text.status())) return FromCatalogue(checkpoint.path());
  RETURN_IF_ERROR(text.status());
  auto sampling = FromGenerationConfig(*text);
  if (!sampling.ok()) return Annotate(sampling.status(), checkpoint.path());
  return sampling;
}

std::string GenerationConfigText(const SamplingParams& sampling) {
  return Json{{"temperature", sampling.temperature},
              {"top_p", sampling.top_p},
              {"top_k", sampling.top_k},
              {"min_p", sampling.min_p},
              {"repetition_penalty", sampling.repetition_penalty}}
      .dump();
}

}  // namespace engine

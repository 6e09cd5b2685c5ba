#include "engine/default_sampling.h"

#include <algorithm>
#include <limits>

#include "core/base/json.h"
#include "engine/model_path.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

std::string Names(const Json& object) {
  std::string names;
  for (const auto& [name, value] : object.items()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

// Keys that are absent or null leave `value` as it is.
template <typename T>
absl::Status ReadNumber(const Json& config, const char* key, T& value) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return absl::OkStatus();
  if (!found->is_number()) return InvalidArgument("%s must be a number", key);
  constexpr double kLargest = std::numeric_limits<int32_t>::max();
  value = static_cast<T>(std::clamp(found->get<double>(), -kLargest, kLargest));
  return absl::OkStatus();
}

absl::StatusOr<SamplingParams> WithConfig(const Json& config, SamplingParams sampling) {
  RETURN_IF_ERROR(ReadNumber(config, "temperature", sampling.temperature));
  RETURN_IF_ERROR(ReadNumber(config, "top_p", sampling.top_p));
  RETURN_IF_ERROR(ReadNumber(config, "top_k", sampling.top_k));
  RETURN_IF_ERROR(ReadNumber(config, "min_p", sampling.min_p));
  RETURN_IF_ERROR(ReadNumber(config, "repetition_penalty", sampling.repetition_penalty));
  sampling.top_k = std::max(sampling.top_k, 0);  // -1 means all there
  RETURN_IF_ERROR(sampling.Validate(/*vocab_size=*/0));
  return sampling;
}

absl::StatusOr<SamplingParams> FromGenerationConfig(const std::string& text) {
  ASSIGN_OR_RETURN(const Json config, ParseJson(text, kGenerationConfig));
  const absl::StatusOr<SamplingParams> sampling = WithConfig(config, SamplingParams());
  if (!sampling.ok()) return Annotate(sampling.status(), kGenerationConfig);
  return sampling;
}

Json ToConfig(const SamplingParams& sampling) {
  return {{"temperature", sampling.temperature},
          {"top_p", sampling.top_p},
          {"top_k", sampling.top_k},
          {"min_p", sampling.min_p},
          {"repetition_penalty", sampling.repetition_penalty}};
}

absl::Status CheckOverride(const Json& config) {
  if (!config.is_object()) return InvalidArgument("it must be a JSON object");
  const Json known = ToConfig(SamplingParams());
  for (const auto& [name, value] : config.items()) {
    if (!known.contains(name)) return InvalidArgument("%s is none of %s", name, Names(known));
  }
  return absl::OkStatus();
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

absl::StatusOr<SamplingParams> OverrideSampling(const std::string& text, SamplingParams sampling) {
  if (text.empty()) return sampling;
  constexpr char kName[] = "override_generation_config";
  ASSIGN_OR_RETURN(const Json config, ParseJson(text, kName));
  const absl::Status known = CheckOverride(config);
  absl::StatusOr<SamplingParams> overridden = known.ok() ? WithConfig(config, std::move(sampling)) : known;
  if (!overridden.ok()) return Annotate(overridden.status(), kName);
  return overridden;
}

std::string GenerationConfigText(const SamplingParams& sampling) { return ToConfig(sampling).dump(); }

}  // namespace engine

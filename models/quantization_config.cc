#include "models/quantization_config.h"

#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kAdvice[] =
    "use compressed-tensors with 8-bit integers per channel, an unquantised or a GGUF checkpoint";

// `object[key]`, or null.
const Json& At(const Json& object, const char* key) {
  static const Json kNull;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : kNull;
}

std::string TextOf(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

absl::Status Expect(const std::string& where, const Json& object, const char* key, const Json& wanted) {
  const Json& value = At(object, key);
  if (value == wanted) return absl::OkStatus();
  return Unimplemented("%s.%s is %s; only %s is supported: %s", where, key, TextOf(value), TextOf(wanted), kAdvice);
}

absl::Status CheckGroup(const std::string& where, const Json& group) {
  const Json& weights = At(group, "weights");
  const std::string name = where + ".weights";
  RETURN_IF_ERROR(Expect(name, weights, "type", "int"));
  RETURN_IF_ERROR(Expect(name, weights, "num_bits", 8));
  RETURN_IF_ERROR(Expect(name, weights, "symmetric", true));
  return Expect(name, weights, "strategy", "channel");
}

}  // namespace

// Activations need no setting: ours are int8 in groups of 32, each scaled anew (docs/numerics.md, rule 4), which is finer
// than any scheme's.
absl::Status CheckQuantizationConfig(const Json& config, const std::string& name) {
  const Json& quantization = At(config, "quantization_config");
  if (quantization.is_null()) return absl::OkStatus();
  const std::string where = name + ": quantization_config";
  RETURN_IF_ERROR(Expect(where, quantization, "quant_method", "compressed-tensors"));
  RETURN_IF_ERROR(Expect(where, quantization, "format", "int-quantized"));
  RETURN_IF_ERROR(Expect(where, quantization, "kv_cache_scheme", nullptr));
  const Json& groups = At(quantization, "config_groups");
  if (!groups.is_object())
    return InvalidArgument("%s.config_groups is %s; it must be an object", where, TextOf(groups));
  for (const auto& [key, group] : groups.items()) {
    RETURN_IF_ERROR(CheckGroup(absl::StrFormat("%s.config_groups.%s", where, key), group));
  }
  return absl::OkStatus();
}

}  // namespace engine

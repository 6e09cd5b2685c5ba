#include "core/weights/quantization_config.h"

#include "absl/strings/str_join.h"
#include "core/base/json.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kAdvice[] =
    "use AWQ, GPTQ or compressed-tensors with 4-bit integers, compressed-tensors with 8-bit integers per channel, an "
    "unquantised or a GGUF checkpoint";

// `object[key]`, or null.
const Json& At(const Json& object, const char* key) {
  static const Json kNull;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : kNull;
}

// Whether object[key] is one of `wanted`.
absl::Status Expect(const std::string& where, const Json& object, const char* key, const std::vector<Json>& wanted) {
  const Json& value = At(object, key);
  if (std::ranges::find(wanted, value) != wanted.end()) return absl::OkStatus();
  const auto append = [](std::string* out, const Json& item) { *out += JsonText(item); };
  return Unimplemented("%s.%s is %s; only %s is supported: %s", where, key, JsonText(value),
                       absl::StrJoin(wanted, " or ", append), kAdvice);
}

absl::Status CheckGroup(const std::string& where, const Json& group, bool packed) {
  const Json& weights = At(group, "weights");
  const std::string name = where + ".weights";
  RETURN_IF_ERROR(Expect(name, weights, "type", {"int"}));
  RETURN_IF_ERROR(Expect(name, weights, "num_bits", {packed ? 4 : 8}));
  if (packed) return Expect(name, weights, "strategy", {"group", "channel"});
  RETURN_IF_ERROR(Expect(name, weights, "symmetric", {true}));
  return Expect(name, weights, "strategy", {"channel"});
}

// Activations need no setting: ours are int8 in groups of 32, each scaled anew (docs/numerics.md, rule 4), which is finer
// than any scheme's.
absl::StatusOr<QuantizationScheme> ReadCompressed(const std::string& where, const Json& quantization) {
  RETURN_IF_ERROR(Expect(where, quantization, "format", {"int-quantized", "pack-quantized"}));
  RETURN_IF_ERROR(Expect(where, quantization, "kv_cache_scheme", {nullptr}));
  const bool packed = At(quantization, "format") == "pack-quantized";
  const Json& groups = At(quantization, "config_groups");
  if (!groups.is_object())
    return InvalidArgument("%s.config_groups is %s; it must be an object", where, JsonText(groups));
  for (const auto& [key, group] : groups.items()) {
    RETURN_IF_ERROR(CheckGroup(absl::StrFormat("%s.config_groups.%s", where, key), group, packed));
  }
  return packed ? QuantizationScheme::kCompressed : QuantizationScheme::kNone;
}

absl::StatusOr<QuantizationScheme> ReadAwq(const std::string& where, const Json& quantization) {
  RETURN_IF_ERROR(Expect(where, quantization, "bits", {4}));
  RETURN_IF_ERROR(Expect(where, quantization, "version", {"gemm", "GEMM"}));
  return QuantizationScheme::kAwq;
}

absl::StatusOr<QuantizationScheme> ReadGptq(const std::string& where, const Json& quantization) {
  RETURN_IF_ERROR(Expect(where, quantization, "bits", {4}));
  RETURN_IF_ERROR(Expect(where, quantization, "checkpoint_format", {"gptq", "gptq_v2", nullptr}));
  return At(quantization, "checkpoint_format") == "gptq_v2" ? QuantizationScheme::kGptqV2 : QuantizationScheme::kGptq;
}

}  // namespace

absl::StatusOr<QuantizationScheme> ReadQuantizationConfig(const Json& config, const std::string& name) {
  const Json& quantization = At(config, "quantization_config");
  if (quantization.is_null()) return QuantizationScheme::kNone;
  const std::string where = name + ": quantization_config";
  RETURN_IF_ERROR(Expect(where, quantization, "quant_method", {"awq", "gptq", "compressed-tensors"}));
  const Json& method = At(quantization, "quant_method");
  if (method == "awq") return ReadAwq(where, quantization);
  return method == "gptq" ? ReadGptq(where, quantization) : ReadCompressed(where, quantization);
}

}  // namespace engine

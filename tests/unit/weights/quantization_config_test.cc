#include "core/weights/quantization_config.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/int4_writer.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

Json IntegersPerChannel() {
  return Json::parse(R"({
      "quant_method": "compressed-tensors", "format": "int-quantized", "kv_cache_scheme": null, "ignore": ["lm_head"],
      "config_groups": {"group_0": {"targets": ["Linear"],
          "input_activations": {"num_bits": 8, "type": "int", "dynamic": true, "strategy": "token"},
          "weights": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel"}}}})");
}

absl::StatusOr<QuantizationScheme> Read(const Json& quantization) {
  return ReadQuantizationConfig({{"quantization_config", quantization}}, "config.json");
}

// What is wrong with `quantization` once `pointer` has become `value`.
std::string WhyNot(Json quantization, const std::string& pointer, const Json& value) {
  quantization[Json::json_pointer(pointer)] = value;
  return std::string(Message(Read(quantization).status()));
}

TEST(QuantizationConfig, TellsTheSchemesApart) {
  EXPECT_EQ(*ReadQuantizationConfig(Json::object(), "config.json"), QuantizationScheme::kNone);
  EXPECT_EQ(*Read(IntegersPerChannel()), QuantizationScheme::kNone);
  EXPECT_EQ(*Read(Int4Config(Int4Scheme::kAwq)), QuantizationScheme::kAwq);
  EXPECT_EQ(*Read(Int4Config(Int4Scheme::kGptq)), QuantizationScheme::kGptq);
  EXPECT_EQ(*Read(Int4Config(Int4Scheme::kGptqV2)), QuantizationScheme::kGptqV2);
  EXPECT_EQ(*Read(Int4Config(Int4Scheme::kCompressed)), QuantizationScheme::kCompressed);
}

TEST(QuantizationConfig, NamesTheSettingThatIsNotOurs) {
  EXPECT_THAT(WhyNot(IntegersPerChannel(), "", "nonsense"),
              AllOf(HasSubstr("config.json"), HasSubstr("quant_method is null")));
  EXPECT_THAT(WhyNot(IntegersPerChannel(), "/quant_method", "fp8"),
              AllOf(HasSubstr("quant_method is \"fp8\""), HasSubstr("GGUF")));
  EXPECT_THAT(WhyNot(IntegersPerChannel(), "/format", "float-quantized"), HasSubstr("format is \"float-quantized\""));
  EXPECT_THAT(WhyNot(IntegersPerChannel(), "/kv_cache_scheme", Json::object()), HasSubstr("kv_cache_scheme is {}"));
  EXPECT_THAT(WhyNot(IntegersPerChannel(), "/config_groups", 7), HasSubstr("config_groups is 7"));
  const std::string weights = "/config_groups/group_0/weights";
  EXPECT_THAT(WhyNot(IntegersPerChannel(), weights + "/num_bits", 4),
              HasSubstr("group_0.weights.num_bits is 4; only 8"));
  EXPECT_THAT(WhyNot(IntegersPerChannel(), weights + "/symmetric", false), HasSubstr("symmetric is false"));
  EXPECT_THAT(WhyNot(IntegersPerChannel(), weights + "/strategy", "group"), HasSubstr("strategy is \"group\""));
  EXPECT_THAT(WhyNot(IntegersPerChannel(), weights + "/type", "float"), HasSubstr("type is \"float\""));
  const Json packed = Int4Config(Int4Scheme::kCompressed);
  EXPECT_THAT(WhyNot(packed, weights + "/num_bits", 8), HasSubstr("num_bits is 8; only 4"));
  EXPECT_THAT(WhyNot(packed, weights + "/strategy", "tensor"), HasSubstr("only \"group\" or \"channel\""));
  EXPECT_THAT(WhyNot(Int4Config(Int4Scheme::kAwq), "/version", "gemv"), HasSubstr("version is \"gemv\""));
  EXPECT_THAT(WhyNot(Int4Config(Int4Scheme::kAwq), "/bits", 8), HasSubstr("bits is 8; only 4"));
  EXPECT_THAT(WhyNot(Int4Config(Int4Scheme::kGptq), "/checkpoint_format", "marlin"), HasSubstr("is \"marlin\""));
  EXPECT_THAT(WhyNot(Int4Config(Int4Scheme::kGptq), "/bits", 3), HasSubstr("bits is 3; only 4"));
}

}  // namespace
}  // namespace engine

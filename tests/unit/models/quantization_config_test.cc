#include "models/quantization_config.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

Json IntegersPerChannel() {
  return Json::parse(R"({"quantization_config": {
      "quant_method": "compressed-tensors", "format": "int-quantized", "kv_cache_scheme": null, "ignore": ["lm_head"],
      "config_groups": {"group_0": {"targets": ["Linear"],
          "input_activations": {"num_bits": 8, "type": "int", "dynamic": true, "strategy": "token"},
          "weights": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel"}}}}})");
}

// What is wrong once `pointer` has become `value`.
std::string WhyNot(const std::string& pointer, const Json& value) {
  Json config = IntegersPerChannel();
  config[Json::json_pointer("/quantization_config" + pointer)] = value;
  return std::string(Message(CheckQuantizationConfig(config, "config.json")));
}

TEST(QuantizationConfig, AcceptsPlainModelsAndIntegersPerChannel) {
  EXPECT_TRUE(CheckQuantizationConfig(Json::object(), "config.json").ok());
  EXPECT_TRUE(CheckQuantizationConfig(IntegersPerChannel(), "config.json").ok());
}

TEST(QuantizationConfig, NamesTheSettingThatIsNotOurs) {
  EXPECT_THAT(WhyNot("", "nonsense"), AllOf(HasSubstr("config.json"), HasSubstr("quant_method is null")));
  EXPECT_THAT(WhyNot("/quant_method", "fp8"), AllOf(HasSubstr("quant_method is \"fp8\""), HasSubstr("GGUF")));
  EXPECT_THAT(WhyNot("/format", "pack-quantized"), HasSubstr("format is \"pack-quantized\""));
  EXPECT_THAT(WhyNot("/kv_cache_scheme", Json::object()), HasSubstr("kv_cache_scheme is {}"));
  EXPECT_THAT(WhyNot("/config_groups", 7), HasSubstr("config_groups is 7"));
  const std::string weights = "/config_groups/group_0/weights";
  EXPECT_THAT(WhyNot(weights + "/num_bits", 4), HasSubstr("group_0.weights.num_bits is 4; only 8"));
  EXPECT_THAT(WhyNot(weights + "/symmetric", false), HasSubstr("symmetric is false"));
  EXPECT_THAT(WhyNot(weights + "/strategy", "group"), HasSubstr("strategy is \"group\""));
  EXPECT_THAT(WhyNot(weights + "/type", "float"), HasSubstr("type is \"float\""));
}

}  // namespace
}  // namespace engine

#include "server/api/sent_names.h"

#include <gtest/gtest.h>

#include "core/base/field_error.h"
#include "server/api/error_json.h"

namespace engine {
namespace {

TEST(SentNames, WhatHasNoOtherNameKeepsItsOwn) {
  EXPECT_EQ(SentNames().PathOf("messages[2].role"), "messages[2].role");
  const absl::Status error = FieldError("top_p", "is 2");
  EXPECT_EQ(SentNames().Translate(error), error);
  EXPECT_TRUE(SentNames().Translate(absl::OkStatus()).ok());
}

TEST(SentNames, WhatLiesWithinAFieldGoesWithIt) {
  SentNames sent;
  sent.Add("tools[1].function", "tools[1]");
  sent.Add("tools[1].function.parameters", "tools[1].input_schema");
  EXPECT_EQ(sent.PathOf("tools[1].function.name"), "tools[1].name");
  EXPECT_EQ(sent.PathOf("tools[1].function.parameters.properties[0]"), "tools[1].input_schema.properties[0]");
  EXPECT_EQ(sent.PathOf("tools[11].function.name"), "tools[11].function.name");
  EXPECT_EQ(sent.PathOf("tools[1].functions"), "tools[1].functions");
}

TEST(SentNames, APathMayItselfHaveAnotherName) {
  SentNames sent;
  sent.Add("text.format.json_schema", "text.format");
  sent.Add("grammar", "text.format.json_schema.schema");
  EXPECT_EQ(sent.PathOf("grammar"), "text.format.schema");
}

TEST(SentNames, AnErrorKeepsItsKindAndItsCode) {
  SentNames sent;
  sent.Add("prompt_tokens", "input[3]");
  absl::Status error = WithCode("too_long", About("prompt_tokens", absl::OutOfRangeError("prompt_tokens has 9")));
  EXPECT_EQ(sent.Translate(error), WithCode("too_long", About("input[3]", absl::OutOfRangeError("input[3] has 9"))));
  error = About("prompt_tokens", InvalidArgument("the prompt is long"));
  EXPECT_EQ(sent.Translate(error), About("input[3]", InvalidArgument("the prompt is long")));
}

}  // namespace
}  // namespace engine

#include "server/api/error_json.h"

#include <gtest/gtest.h>

#include "core/base/field_error.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

TEST(ErrorJson, HasTheShapeThatOpenAiClientsRead) {
  EXPECT_EQ(ErrorJson(WithCode("bad_n", FieldError("n", "is 0"))),
            R"({"error":{"message":"n is 0","type":"invalid_request_error","param":"n","code":"bad_n"}})");
  EXPECT_EQ(ErrorJson(absl::InternalError("x\xff")),
            "{\"error\":{\"message\":\"x\xEF\xBF\xBD\",\"type\":\"server_error\",\"param\":null,\"code\":null}}");
}

TEST(ErrorJson, WhatARequestCanChangeIsABadRequest) {
  EXPECT_EQ(HttpStatus(InvalidArgument("a")), 400);
  EXPECT_EQ(HttpStatus(Unimplemented("a")), 400);
  EXPECT_EQ(HttpStatus(FailedPrecondition("a")), 400);
}

TEST(ErrorJson, WhatALaterTryMayChangeSaysSo) {
  EXPECT_EQ(HttpStatus(ResourceExhausted("a")), 429);
  EXPECT_EQ(HttpStatus(absl::UnavailableError("a")), 503);
  EXPECT_EQ(HttpStatus(absl::DeadlineExceededError("a")), 504);
}

TEST(ErrorJson, OurOwnErrorsAreTheServers) {
  EXPECT_EQ(HttpStatus(absl::InternalError("a")), 500);
  EXPECT_EQ(HttpStatus(absl::UnknownError("a")), 500);
}

}  // namespace
}  // namespace engine

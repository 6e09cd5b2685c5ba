#include "server/api/json_value.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

TEST(JsonValue, ATextIsAppendedAsItIsDumped) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "é中😀\u2028\u00a0";
  std::string appended = "[";
  AppendText(all, appended);
  EXPECT_EQ(appended, "[" + JsonText(all));
  AppendText("", appended);
  EXPECT_TRUE(appended.ends_with("\"\""));
}

}  // namespace
}  // namespace engine

#include "core/base/nearest_name.h"

#include "gtest/gtest.h"

namespace engine {
namespace {

TEST(NearestName, IsTheFirstOfTheNearest) {
  EXPECT_EQ(NearestName("ren", {"run", "ran", "bench"}), "run");
  EXPECT_EQ(NearestName("bennch", {"run", "bench", "benches"}), "bench");
  EXPECT_EQ(NearestName("x", {}), "");
}

TEST(NearestName, NoMoreThanAThirdOfTheLettersIsWrong) {
  EXPECT_EQ(NearestName("bnehcs", {"bench"}), "");
  EXPECT_EQ(NearestName("rm", {"run"}), "");
  EXPECT_EQ(NearestName("run", {"bun"}), "bun");
}

TEST(NearestName, NoneIsNearALongText) { EXPECT_EQ(NearestName(std::string(65, 'a'), {std::string(64, 'a')}), ""); }

}  // namespace
}  // namespace engine

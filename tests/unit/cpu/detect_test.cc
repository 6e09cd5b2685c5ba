#include "backends/cpu/isa/detect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/environment.h"

namespace engine::cpu {
namespace {

TEST(DetectIsa, TakesTheMachinesBestUnlessForced) {
  const ForcedIsa unset("");
  EXPECT_EQ(*DetectIsa(), MachineIsa());
}

TEST(DetectIsa, TakesALowerOneWhenForced) {
  const ForcedIsa forced("portable");
  EXPECT_EQ(*DetectIsa(), Isa::kPortable);
}

TEST(DetectIsa, RefusesAnIsaTheMachineLacks) {
  if (MachineIsa() == Isa::kAmx) GTEST_SKIP() << "this machine has them all";
  const ForcedIsa forced("amx");
  EXPECT_THAT(Message(DetectIsa().status()), testing::HasSubstr("this machine's best is"));
}

TEST(DetectIsa, NamesTheChoicesWhenItKnowsNoSuchIsa) {
  const ForcedIsa forced("sse9");
  EXPECT_THAT(Message(DetectIsa().status()),
              testing::AllOf(testing::HasSubstr("sse9"), testing::HasSubstr("portable, avx2, avx512 or amx")));
}

TEST(Isa, NamesReadBack) {
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) EXPECT_EQ(ParseIsa(Name(isa)), isa);
}

}  // namespace
}  // namespace engine::cpu

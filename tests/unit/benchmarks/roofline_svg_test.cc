#include "benchmarks/roofline_svg.h"

#include <cmath>

#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

OpResult Point(std::string op, std::string format, int64_t operations) {
  return {.op = std::move(op),
          .entry = "linear.a<b",
          .format = std::move(format),
          .shape = "n8 k8",
          .rows = 1,
          .work = {.bytes = 1'000'000, .operations = operations},
          .limit = Limit::kInt8Dots,
          .seconds = 1e-3,
          .memory_roof = 20e9,
          .compute_roof = 400e9,
          .share = 0.5};
}

TEST(Roofline, NamesItsLimitsAndEscapesItsTitles) {
  const std::string svg = DrawRoofline("cpu", {Point("linear", "q4_0", 4'000'000)});
  EXPECT_THAT(svg, HasSubstr("memory 20.0 GB/s"));
  EXPECT_THAT(svg, HasSubstr("int8 dots 400"));
  EXPECT_THAT(svg, Not(HasSubstr("bf16 dots")));
  EXPECT_THAT(svg, HasSubstr("<title>linear q4_0 n8 k8 r1, linear.a&lt;b: 4.0 GOPS, 1.0 GB/s, 50 %</title>"));
}

TEST(Roofline, TellsFormatsApartUntilThereAreSeveralOps) {
  const OpResult a = Point("linear", "q4_0", 4), b = Point("linear", "q8_0", 4), c = Point("rope", "bf16", 4);
  EXPECT_THAT(DrawRoofline("cpu", {a, b}), HasSubstr(">q8_0</text>"));
  EXPECT_THAT(DrawRoofline("cpu", {a, b, c}), HasSubstr(">rope</text>"));
  EXPECT_THAT(DrawRoofline("cpu", {a, b, c}), Not(HasSubstr(">q8_0</text>")));
}

TEST(Roofline, DrawsAKernelThatReachesALimitOnItsLine) {
  const std::string svg = DrawRoofline("cpu", {Point("linear", "q4_0", 400'000'000)});
  // A thousand GOPS stand at 50, ten at 540, so that 400 GOPS stand 80 % of the way up.
  const double y = 540 - (540 - 50) * (std::log10(400.0) - 1) / 2;
  const std::string height = absl::StrFormat("%.1f", y);
  EXPECT_THAT(svg, HasSubstr("y1=\"" + height + "\" x2=\"770.0\" y2=\"" + height + "\" stroke=\"#555\""));
  EXPECT_THAT(svg, HasSubstr("cy=\"" + height + "\""));
}

TEST(Roofline, LeavesOutWhatComputesNothing) {
  EXPECT_THAT(DrawRoofline("cpu", {Point("kv_write", "bf16", 0)}), Not(HasSubstr("kv_write")));
}

}  // namespace
}  // namespace engine

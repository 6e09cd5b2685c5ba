#include "benchmarks/serve/load_plot.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LoadPoint Point(std::string name, int64_t tokens, double ttft, double itl) {
  LoadPoint point{.name = std::move(name)};
  point.summary.seconds = 1;
  point.summary.output_tokens = tokens;
  point.summary.ttft.values = {ttft};
  point.summary.itl.values = {itl};
  return point;
}

TEST(LoadPlot, JoinsPointsInTheOrderOfTheirThroughput) {
  const std::string svg = DrawLoadPlot("a<b", {Point("8 at once", 1000, 100, 10), Point("1 at once", 10, 10, 1)});
  EXPECT_THAT(svg, HasSubstr("a&lt;b"));
  EXPECT_THAT(svg, HasSubstr("<title>8 at once: TTFT, median 100.00 ms at 1000.0 tokens/s</title>"));
  // 10 to 10,000 tokens/s lie between 80 and 770; 1 to 1,000 ms between 540 and 50.
  EXPECT_THAT(svg, HasSubstr("<line x1=\"80.0\" y1=\"376.7\" x2=\"540.0\" y2=\"213.3\" stroke=\"#0072b2\"/>"));
}

TEST(LoadPlot, LeavesOutWhatWasNotAnswered) {
  EXPECT_THAT(DrawLoadPlot("t", {Point("1 at once", 10, 10, 1), Point("broken", 0, 0, 0)}), Not(HasSubstr("broken")));
  EXPECT_THAT(DrawLoadPlot("t", {Point("broken", 0, 0, 0)}), Not(HasSubstr("<line")));
}

}  // namespace
}  // namespace engine

#include "benchmarks/serve/load_plot.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "benchmarks/svg_plot.h"

namespace engine {
namespace {

constexpr double kLeastMilliseconds = 0.01;  // below it, and where there is nothing, a logarithm says nothing

double Throughput(const LoadPoint& point) { return point.summary.PerSecond(point.summary.output_tokens); }

struct Curve {
  std::string name;
  std::string metric;
  double percent;

  double At(const LoadPoint& point) const {
    return std::max(point.summary.Of(metric).percentile(percent), kLeastMilliseconds);
  }
};

}  // namespace

std::string DrawLoadPlot(const std::string& title, std::vector<LoadPoint> points) {
  std::erase_if(points, [](const LoadPoint& point) { return point.summary.output_tokens == 0; });
  if (points.empty()) return "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n";
  std::ranges::sort(points, {}, Throughput);
  const std::vector<Curve> curves = {
      {"TTFT, median", "ttft", 50}, {"TTFT, P99", "ttft", 99}, {"ITL, median", "itl", 50}, {"ITL, P99", "itl", 99}};
  double least = 1, most = 1;
  for (const Curve& curve : curves) {
    const auto [low, high] = std::ranges::minmax(points, {}, [&](const LoadPoint& point) { return curve.At(point); });
    least = std::min(least, curve.At(low));
    most = std::max(most, curve.At(high));
  }
  const LogAxis x = SvgPlot::HorizontalAxis(Throughput(points.front()), Throughput(points.back()));
  const LogAxis y = SvgPlot::VerticalAxis(least, most);
  SvgPlot plot;
  plot.Grid(x, y, "output tokens per second", "ms", title);
  for (size_t c = 0; c < curves.size(); ++c) {
    plot.LegendEntry(c, curves[c].name);
    for (size_t i = 0; i < points.size(); ++i) {
      const double at_x = x.At(Throughput(points[i])), at_y = y.At(curves[c].At(points[i]));
      if (i > 0) {
        plot.Line(x.At(Throughput(points[i - 1])), y.At(curves[c].At(points[i - 1])), at_x, at_y,
                  absl::StrFormat("stroke=\"%s\"", SvgPlot::Colour(c)));
      }
      plot.Dot(at_x, at_y, c,
               absl::StrFormat("%s: %s %.2f ms at %.1f tokens/s", points[i].name, curves[c].name,
                               curves[c].At(points[i]), Throughput(points[i])));
    }
  }
  return plot.Document();
}

}  // namespace engine

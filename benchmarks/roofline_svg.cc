#include "benchmarks/roofline_svg.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "benchmarks/statistics.h"
#include "benchmarks/svg_plot.h"

namespace engine {
namespace {

double Intensity(const OpResult& point) {
  return static_cast<double>(point.work.operations) / static_cast<double>(point.work.bytes);
}

struct Ceiling {
  std::string_view name;
  double operations_per_second;
};

double MemoryRoof(const std::vector<OpResult>& points) {
  std::vector<double> roofs;
  for (const OpResult& point : points) roofs.push_back(point.memory_roof);
  return Median(std::move(roofs));
}

// Of the dot products that occur.
std::vector<Ceiling> CeilingsOf(const std::vector<OpResult>& points) {
  constexpr std::pair<Limit, std::string_view> kNames[] = {
      {Limit::kInt8Dots, "int8 dots"}, {Limit::kBf16Dots, "bf16 dots"}, {Limit::kF32Fmas, "f32 fma"}};
  std::vector<Ceiling> ceilings;
  for (const auto& [limit, name] : kNames) {
    std::vector<double> roofs;
    for (const OpResult& point : points) {
      if (point.limit == limit) roofs.push_back(point.compute_roof);
    }
    if (!roofs.empty()) ceilings.push_back({name, Median(std::move(roofs))});
  }
  return ceilings;
}

class Roofline {
 public:
  explicit Roofline(std::vector<OpResult> points);
  std::string Draw(const std::string& title);

 private:
  void DrawRoof();
  void DrawPoints();

  std::vector<OpResult> points_;
  bool one_op_;
  double bytes_per_second_;
  std::vector<Ceiling> ceilings_;
  LogAxis x_{};  // operations per byte
  LogAxis y_{};  // GOPS
  SvgPlot plot_;
};

Roofline::Roofline(std::vector<OpResult> points)
    : points_(std::move(points)),
      one_op_(std::ranges::all_of(points_, [&](const OpResult& point) { return point.op == points_[0].op; })),
      bytes_per_second_(MemoryRoof(points_)),
      ceilings_(CeilingsOf(points_)) {
  double least_x = 1, most_x = 1000, least_y = 10, most_y = 100;
  for (const OpResult& point : points_) {
    least_x = std::min(least_x, Intensity(point));
    most_x = std::max(most_x, Intensity(point));
    least_y = std::min(least_y, point.operations_per_second() / 1e9);
  }
  for (const Ceiling& ceiling : ceilings_) most_y = std::max(most_y, ceiling.operations_per_second / 1e9);
  x_ = SvgPlot::HorizontalAxis(least_x, most_x);
  y_ = SvgPlot::VerticalAxis(least_y, most_y);
}

// The slope of memory up to each ceiling, and the ceiling from there on.
void Roofline::DrawRoof() {
  constexpr std::string_view kRoof = "stroke=\"#555\" stroke-width=\"1.5\"";
  const double left = std::pow(10, x_.first_decade), right = std::pow(10, x_.last_decade);
  double highest = 0;
  for (const Ceiling& ceiling : ceilings_) {
    const double ridge = std::clamp(ceiling.operations_per_second / bytes_per_second_, left, right);
    const double y = y_.At(ceiling.operations_per_second / 1e9);
    plot_.Line(x_.At(ridge), y, x_.At(right), y, kRoof);
    plot_.Text(SvgPlot::kWidth - SvgPlot::kRight + 6, y + 4, "start",
               absl::StrFormat("%s %.0f", ceiling.name, ceiling.operations_per_second / 1e9));
    highest = std::max(highest, ridge);
  }
  // From where the slope enters the plot: clamping both ends alone would bend it.
  const double entry = std::max(left, std::pow(10, y_.first_decade) * 1e9 / bytes_per_second_);
  plot_.Line(x_.At(entry), y_.At(entry * bytes_per_second_ / 1e9), x_.At(highest),
             y_.At(highest * bytes_per_second_ / 1e9), kRoof);
  plot_.Text(x_.At(entry) + 8, y_.At(entry * bytes_per_second_ / 1e9) - 8, "start",
             absl::StrFormat("memory %.1f GB/s", bytes_per_second_ / 1e9));
}

void Roofline::DrawPoints() {
  std::vector<std::string> groups;
  for (const OpResult& point : points_) {
    const std::string& group = one_op_ ? point.format : point.op;
    const auto found = std::ranges::find(groups, group);
    const auto index = static_cast<size_t>(found - groups.begin());
    if (found == groups.end()) {
      groups.push_back(group);
      plot_.LegendEntry(index, group);
    }
    plot_.Dot(x_.At(Intensity(point)), y_.At(point.operations_per_second() / 1e9), index,
              absl::StrFormat("%s %s %s r%d, %s: %.1f GOPS, %.1f GB/s, %.0f %%", point.op, point.format, point.shape,
                              point.rows, point.entry, point.operations_per_second() / 1e9,
                              point.bytes_per_second() / 1e9, 100 * point.share));
  }
}

std::string Roofline::Draw(const std::string& title) {
  plot_.Grid(x_, y_, "operations per byte", "GOPS", title);
  DrawRoof();
  DrawPoints();
  return plot_.Document();
}

}  // namespace

std::string DrawRoofline(const std::string& title, std::vector<OpResult> results) {
  std::erase_if(results, [](const OpResult& result) { return result.work.operations == 0; });
  if (results.empty()) return "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n";
  return Roofline(std::move(results)).Draw(title);
}

}  // namespace engine

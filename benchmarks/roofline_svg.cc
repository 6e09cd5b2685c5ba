#include "benchmarks/roofline_svg.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "benchmarks/statistics.h"

namespace engine {
namespace {

constexpr double kWidth = 960, kHeight = 600;
constexpr double kLeft = 80, kRight = 190, kTop = 50, kBottom = 60;

// Told apart by people who do not see all colours alike (Okabe and Ito).
constexpr std::string_view kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                         "#e69f00", "#56b4e9", "#000000", "#8c6d31"};

// A logarithmic axis over whole decades.
struct Axis {
  int first_decade;
  int last_decade;
  double from_pixel;
  double to_pixel;

  double At(double value) const {
    const double share = (std::log10(value) - first_decade) / (last_decade - first_decade);
    return from_pixel + std::clamp(share, 0.0, 1.0) * (to_pixel - from_pixel);
  }
};

double Intensity(const OpResult& point) {
  return static_cast<double>(point.work.operations) / static_cast<double>(point.work.bytes);
}

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
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

class Plot {
 public:
  Plot(std::string title, std::vector<OpResult> points);
  std::string Draw();

 private:
  void Line(double x1, double y1, double x2, double y2, std::string_view style);
  void Text(double x, double y, std::string_view anchor, const std::string& text);
  void DrawGrid();
  void DrawRoof();
  void DrawPoints();

  std::string title_;
  std::vector<OpResult> points_;
  bool one_op_;
  double bytes_per_second_;
  std::vector<Ceiling> ceilings_;
  Axis x_{};  // operations per byte
  Axis y_{};  // GOPS
  std::string svg_;
};

Plot::Plot(std::string title, std::vector<OpResult> points)
    : title_(std::move(title)),
      points_(std::move(points)),
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
  const auto axis = [](double least, double most, double from_pixel, double to_pixel) {
    return Axis{static_cast<int>(std::floor(std::log10(least))), static_cast<int>(std::ceil(std::log10(most * 1.01))),
                from_pixel, to_pixel};
  };
  x_ = axis(least_x, most_x, kLeft, kWidth - kRight);
  y_ = axis(least_y, most_y, kHeight - kBottom, kTop);
}

void Plot::Line(double x1, double y1, double x2, double y2, std::string_view style) {
  absl::StrAppendFormat(&svg_, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, style);
}

void Plot::Text(double x, double y, std::string_view anchor, const std::string& text) {
  absl::StrAppendFormat(&svg_, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                        Escaped(text));
}

void Plot::DrawGrid() {
  constexpr std::string_view kGrid = "stroke=\"#ddd\"";
  for (int decade = x_.first_decade; decade <= x_.last_decade; ++decade) {
    const double x = x_.At(std::pow(10, decade));
    Line(x, kTop, x, kHeight - kBottom, kGrid);
    Text(x, kHeight - kBottom + 20, "middle", absl::StrFormat("%g", std::pow(10, decade)));
  }
  for (int decade = y_.first_decade; decade <= y_.last_decade; ++decade) {
    const double y = y_.At(std::pow(10, decade));
    Line(kLeft, y, kWidth - kRight, y, kGrid);
    Text(kLeft - 8, y + 4, "end", absl::StrFormat("%g", std::pow(10, decade)));
  }
  Text((kLeft + kWidth - kRight) / 2, kHeight - 15, "middle", "operations per byte");
  Text(kLeft, kTop - 10, "middle", "GOPS");
  Text((kLeft + kWidth - kRight) / 2, 25, "middle", title_);
}

// The slope of memory up to each ceiling, and the ceiling from there on.
void Plot::DrawRoof() {
  constexpr std::string_view kRoof = "stroke=\"#555\" stroke-width=\"1.5\"";
  const double left = std::pow(10, x_.first_decade), right = std::pow(10, x_.last_decade);
  double highest = 0;
  for (const Ceiling& ceiling : ceilings_) {
    const double ridge = std::clamp(ceiling.operations_per_second / bytes_per_second_, left, right);
    const double y = y_.At(ceiling.operations_per_second / 1e9);
    Line(x_.At(ridge), y, x_.At(right), y, kRoof);
    Text(kWidth - kRight + 6, y + 4, "start",
         absl::StrFormat("%s %.0f", ceiling.name, ceiling.operations_per_second / 1e9));
    highest = std::max(highest, ridge);
  }
  // From where the slope enters the plot: clamping both ends alone would bend it.
  const double entry = std::max(left, std::pow(10, y_.first_decade) * 1e9 / bytes_per_second_);
  Line(x_.At(entry), y_.At(entry * bytes_per_second_ / 1e9), x_.At(highest), y_.At(highest * bytes_per_second_ / 1e9),
       kRoof);
  Text(x_.At(entry) + 8, y_.At(entry * bytes_per_second_ / 1e9) - 8, "start",
       absl::StrFormat("memory %.1f GB/s", bytes_per_second_ / 1e9));
}

// The legend stands beside the lower half of the plot, where no ceiling has its name.
void Plot::DrawPoints() {
  std::vector<std::string> groups;
  for (const OpResult& point : points_) {
    const std::string& group = one_op_ ? point.format : point.op;
    const auto found = std::ranges::find(groups, group);
    const auto index = static_cast<size_t>(found - groups.begin());
    // Filled in the first round of colours, rings in the next.
    const std::string style =
        absl::StrFormat("r=\"4\" stroke=\"%s\" fill=\"%s\" fill-opacity=\"0.6\"", kColours[index % std::size(kColours)],
                        index < std::size(kColours) ? kColours[index] : "none");
    if (found == groups.end()) {
      groups.push_back(group);
      const double y = kHeight / 2 + 16 * static_cast<double>(index);
      absl::StrAppendFormat(&svg_, "<circle cx=\"%.1f\" cy=\"%.1f\" %s/>\n", kWidth - kRight + 12, y - 4, style);
      Text(kWidth - kRight + 22, y, "start", group);
    }
    absl::StrAppendFormat(
        &svg_, "<circle cx=\"%.1f\" cy=\"%.1f\" %s><title>%s</title></circle>\n", x_.At(Intensity(point)),
        y_.At(point.operations_per_second() / 1e9), style,
        Escaped(absl::StrFormat("%s %s %s r%d, %s: %.1f GOPS, %.1f GB/s, %.0f %%", point.op, point.format, point.shape,
                                point.rows, point.entry, point.operations_per_second() / 1e9,
                                point.bytes_per_second() / 1e9, 100 * point.share)));
  }
}

std::string Plot::Draw() {
  svg_ = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n"
      "<rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n",
      kWidth, kHeight, kWidth, kHeight);
  DrawGrid();
  DrawRoof();
  DrawPoints();
  return svg_ + "</svg>\n";
}

}  // namespace

std::string DrawRoofline(const std::string& title, std::vector<OpResult> results) {
  std::erase_if(results, [](const OpResult& result) { return result.work.operations == 0; });
  if (results.empty()) return "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n";
  return Plot(title, std::move(results)).Draw();
}

}  // namespace engine

#include "benchmarks/svg_plot.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace engine {
namespace {

// Told apart by people who do not see all colours alike (Okabe and Ito).
constexpr std::string_view kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                         "#e69f00", "#56b4e9", "#000000", "#8c6d31"};

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

LogAxis Axis(double least, double most, double from_pixel, double to_pixel) {
  const int first = static_cast<int>(std::floor(std::log10(least)));
  return {first, std::max(first + 1, static_cast<int>(std::ceil(std::log10(most * 1.01)))), from_pixel, to_pixel};
}

// Filled in the first round of colours, rings in the next.
std::string DotStyle(size_t group) {
  const std::string_view colour = SvgPlot::Colour(group);
  return absl::StrFormat("r=\"4\" stroke=\"%s\" fill=\"%s\" fill-opacity=\"0.6\"", colour,
                         group < std::size(kColours) ? colour : "none");
}

}  // namespace

double LogAxis::At(double value) const {
  const double share = (std::log10(value) - first_decade) / (last_decade - first_decade);
  return from_pixel + std::clamp(share, 0.0, 1.0) * (to_pixel - from_pixel);
}

LogAxis SvgPlot::HorizontalAxis(double least, double most) { return Axis(least, most, kLeft, kWidth - kRight); }
LogAxis SvgPlot::VerticalAxis(double least, double most) { return Axis(least, most, kHeight - kBottom, kTop); }

std::string_view SvgPlot::Colour(size_t group) { return kColours[group % std::size(kColours)]; }

void SvgPlot::Line(double x1, double y1, double x2, double y2, std::string_view style) {
  absl::StrAppendFormat(&body_, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2, style);
}

void SvgPlot::Text(double x, double y, std::string_view anchor, const std::string& text) {
  absl::StrAppendFormat(&body_, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                        Escaped(text));
}

void SvgPlot::Dot(double x, double y, size_t group, const std::string& title) {
  absl::StrAppendFormat(&body_, "<circle cx=\"%.1f\" cy=\"%.1f\" %s><title>%s</title></circle>\n", x, y,
                        DotStyle(group), Escaped(title));
}

// Beside the lower half of the plot.
void SvgPlot::LegendEntry(size_t group, const std::string& name) {
  const double y = kHeight / 2 + 16 * static_cast<double>(group);
  absl::StrAppendFormat(&body_, "<circle cx=\"%.1f\" cy=\"%.1f\" %s/>\n", kWidth - kRight + 12, y - 4, DotStyle(group));
  Text(kWidth - kRight + 22, y, "start", name);
}

void SvgPlot::Grid(const LogAxis& x, const LogAxis& y, const std::string& x_name, const std::string& y_name,
                   const std::string& title) {
  constexpr std::string_view kGrid = "stroke=\"#ddd\"";
  for (int decade = x.first_decade; decade <= x.last_decade; ++decade) {
    const double pixel = x.At(std::pow(10, decade));
    Line(pixel, kTop, pixel, kHeight - kBottom, kGrid);
    Text(pixel, kHeight - kBottom + 20, "middle", absl::StrFormat("%g", std::pow(10, decade)));
  }
  for (int decade = y.first_decade; decade <= y.last_decade; ++decade) {
    const double pixel = y.At(std::pow(10, decade));
    Line(kLeft, pixel, kWidth - kRight, pixel, kGrid);
    Text(kLeft - 8, pixel + 4, "end", absl::StrFormat("%g", std::pow(10, decade)));
  }
  Text((kLeft + kWidth - kRight) / 2, kHeight - 15, "middle", x_name);
  Text(kLeft, kTop - 10, "middle", y_name);
  Text((kLeft + kWidth - kRight) / 2, 25, "middle", title);
}

std::string SvgPlot::Document() const {
  return absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n"
      "<rect width=\"%.0f\" height=\"%.0f\" fill=\"#fff\"/>\n%s</svg>\n",
      kWidth, kHeight, kWidth, kHeight, body_);
}

}  // namespace engine

// Lines, dots and texts of a plot as SVG, on the same canvas and in the same colours for all plots.
#pragma once

#include <string>
#include <string_view>

namespace engine {

// A logarithmic axis over whole decades.
struct LogAxis {
  int first_decade;
  int last_decade;
  double from_pixel;
  double to_pixel;

  double At(double value) const;  // a pixel, within the axis
};

class SvgPlot {
 public:
  static constexpr double kWidth = 960, kHeight = 600;
  static constexpr double kLeft = 80, kRight = 190, kTop = 50, kBottom = 60;  // around what is plotted

  // Axes that hold these values.
  static LogAxis HorizontalAxis(double least, double most);
  static LogAxis VerticalAxis(double least, double most);

  void Line(double x1, double y1, double x2, double y2, std::string_view style);
  void Text(double x, double y, std::string_view anchor, const std::string& text);
  // The dot of a group, told from others by its colour; `title` is shown on hover.
  void Dot(double x, double y, size_t group, const std::string& title);
  void LegendEntry(size_t group, const std::string& name);
  // A line per decade, the axes' names, and what the plot is about.
  void Grid(const LogAxis& x, const LogAxis& y, const std::string& x_name, const std::string& y_name,
            const std::string& title);

  static std::string_view Colour(size_t group);

  std::string Document() const;  // all of it

 private:
  std::string body_;
};

}  // namespace engine

#include "server/exposition.h"

#include "absl/strings/str_format.h"

namespace engine {

std::string Exposition::Join(Labels labels) {
  std::string joined;
  for (const auto& [name, value] : labels) {
    if (!joined.empty()) joined += ',';
    joined.append(name).append("=\"");
    for (const char c : value) {
      if (c == '\\' || c == '"') joined += '\\';
      c == '\n' ? joined += "\\n" : joined += c;
    }
    joined += '"';
  }
  return joined;
}

void Exposition::Begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  absl::StrAppendFormat(&text_, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void Exposition::Sample(const std::string& labels, double value, std::string_view suffix) {
  absl::StrAppendFormat(&text_, "%s%s%s%s%s %.15g\n", name_, suffix, labels.empty() ? "" : "{", labels,
                        labels.empty() ? "" : "}", value);
}

void Exposition::Samples(const std::string& labels, const Histogram& histogram) {
  const std::string comma = labels.empty() ? "" : ",";
  int64_t below = 0;
  for (size_t i = 0; i < histogram.bounds().size(); ++i) {
    below += histogram.counts()[i];
    Sample(absl::StrFormat("%s%sle=\"%g\"", labels, comma, histogram.bounds()[i]), static_cast<double>(below),
           "_bucket");
  }
  const auto total = static_cast<double>(histogram.total());
  Sample(labels + comma + "le=\"+Inf\"", total, "_bucket");
  Sample(labels, histogram.sum(), "_sum");
  Sample(labels, total, "_count");
}

}  // namespace engine

#include "server/http/trace_context.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "server/http/random_hex.h"

namespace engine {
namespace {

// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01: version, trace, span, flags.
constexpr size_t kTraceAt = 3, kSpanAt = 36, kFlagsAt = 53, kSize = 55;
constexpr int kSampled = 1;

bool IsHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
// An id of zeros alone means none.
bool IsId(std::string_view text) { return IsHex(text) && text.find_first_not_of('0') != std::string_view::npos; }

}  // namespace

// A version to come may have more behind a further dash; "ff" is none.
std::optional<TraceContext> ParseTraceparent(std::string_view header) {
  if (header.size() < kSize) return std::nullopt;
  const std::string_view version = header.substr(0, 2), trace_id = header.substr(kTraceAt, 32),
                         parent_id = header.substr(kSpanAt, 16), flags = header.substr(kFlagsAt, 2);
  const bool has_dashes = header[kTraceAt - 1] == '-' && header[kSpanAt - 1] == '-' && header[kFlagsAt - 1] == '-';
  const bool ends = header.size() == kSize || (version != "00" && header[kSize] == '-');
  if (!has_dashes || !ends || !IsHex(version) || version == "ff") return std::nullopt;
  if (!IsId(trace_id) || !IsId(parent_id) || !IsHex(flags)) return std::nullopt;
  int bits = 0;
  if (!absl::SimpleHexAtoi(std::string(flags), &bits)) return std::nullopt;
  return TraceContext{.trace_id = std::string(trace_id),
                      .parent_id = std::string(parent_id),
                      .span_id = RandomHex(16),
                      .is_sampled = (bits & kSampled) != 0};
}

TraceContext BeginTrace() { return {.trace_id = RandomHex(32), .span_id = RandomHex(16)}; }

std::string TraceResponse(const TraceContext& trace) {
  return absl::StrFormat("00-%s-%s-%02x", trace.trace_id, trace.span_id, trace.is_sampled ? kSampled : 0);
}

}  // namespace engine

// W3C Trace Context, level 2: which trace a request belongs to. Callers say so in "traceparent".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace engine {

struct TraceContext {
  std::string trace_id;    // 32 hex digits
  std::string parent_id;   // 16, the caller's span; empty: the trace begins here
  std::string span_id;     // 16, of the work on this request
  bool is_sampled = true;  // the caller records the trace
  std::string state = {};  // the caller's "tracestate", which others read
};

// With a span of its own. nullopt: the standard says to ignore such a header.
std::optional<TraceContext> ParseTraceparent(std::string_view header);

// A trace that begins here, and is recorded.
TraceContext BeginTrace();

// The value of "traceresponse", which tells the caller our span.
std::string TraceResponse(const TraceContext& trace);

}  // namespace engine

#include "server/api/usage_json.h"

#include <algorithm>

namespace engine {
namespace {

constexpr double kMilliseconds = 1000;

double Rate(int64_t count, double seconds) { return seconds > 0 ? static_cast<double>(count) / seconds : 0; }

}  // namespace

Json Usage(const Answer& answer) {
  int64_t prompt = 0, cached = 0, completion = 0, reasoning = 0;
  for (const Choice& choice : answer.choices) {
    // Answers to one prompt share it: it is counted once.
    if (choice.index % answer.request.n == 0) {
      prompt += static_cast<int64_t>(choice.prompt->tokens.size());
      cached += choice.generation.cached_tokens;
    }
    if (!answer.request.no_answer) completion += static_cast<int64_t>(choice.generation.tokens.size());
    reasoning += choice.generation.reasoning_tokens;
  }
  return {{"prompt_tokens", prompt},
          {"completion_tokens", completion},
          {"total_tokens", prompt + completion},
          {"prompt_tokens_details", {{"cached_tokens", cached}}},
          {"completion_tokens_details", {{"reasoning_tokens", reasoning}}}};
}

Json Timings(const Choice& choice) {
  const Generation& generation = choice.generation;
  const auto predicted = static_cast<int64_t>(generation.tokens.size());
  const int64_t computed = generation.prompt_tokens - generation.cached_tokens;
  const double prompt_seconds = Seconds(choice.submitted, choice.first_token);
  const double predicted_seconds = Seconds(choice.first_token, choice.last_token);
  Json timings = {{"cache_n", generation.cached_tokens},
                  {"prompt_n", computed},
                  {"prompt_ms", prompt_seconds * kMilliseconds},
                  {"prompt_per_second", Rate(computed, prompt_seconds)},
                  {"predicted_n", predicted},
                  {"predicted_ms", predicted_seconds * kMilliseconds},
                  {"predicted_per_second", Rate(predicted - 1, predicted_seconds)}};
  if (generation.drafted_tokens > 0) {
    timings["draft_n"] = generation.drafted_tokens;
    timings["draft_n_accepted"] = generation.accepted_tokens;
  }
  return timings;
}

Json FinishReason(const ApiRequest& request, const Generation& generation) {
  switch (generation.finish) {
    case Finish::kNone:
      return nullptr;
    case Finish::kStop:
      if (generation.tool_calls.empty()) return "stop";
      return request.legacy_functions ? "function_call" : "tool_calls";
    case Finish::kLength:
      return "length";
    case Finish::kCancelled:
      return "abort";
    case Finish::kError:
      return "error";
  }
  return nullptr;
}

Json StopReason(const ApiRequest& request, const Generation& generation) {
  if (!generation.stop_string.empty()) return generation.stop_string;
  if (generation.finish != Finish::kStop || generation.tokens.empty()) return nullptr;
  const std::vector<int32_t>& stops = request.generation.sampling.stop_token_ids;
  const int32_t last = generation.tokens.back();
  return std::ranges::find(stops, last) == stops.end() ? Json(nullptr) : Json(last);
}

}  // namespace engine

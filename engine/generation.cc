// What a request made: updates put together, and the wait for the last one.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "engine/engine.h"

namespace engine {

std::string_view Name(Finish finish) {
  switch (finish) {
    case Finish::kNone:
      return "none";
    case Finish::kStop:
      return "stop";
    case Finish::kLength:
      return "length";
    case Finish::kCancelled:
      return "cancelled";
    case Finish::kError:
      return "error";
  }
  return "unknown";
}

void Append(const GenerationUpdate& update, Generation& generation) {
  const auto append = [](const auto& from, auto& to) { to.insert(to.end(), from.begin(), from.end()); };
  append(update.text, generation.text);
  append(update.reasoning, generation.reasoning);
  for (const ToolCallDelta& delta : update.tool_calls) {
    if (static_cast<size_t>(delta.index) >= generation.tool_calls.size()) generation.tool_calls.emplace_back();
    ToolCall& call = generation.tool_calls[delta.index];
    append(delta.piece.id, call.id);
    append(delta.piece.name, call.name);
    append(delta.piece.arguments, call.arguments);
  }
  append(update.tokens, generation.tokens);
  append(update.logprobs, generation.logprobs);
  append(update.prompt_logprobs, generation.prompt_logprobs);
  append(update.embedding, generation.embedding);
  generation.prompt_tokens = update.prompt_tokens;
  generation.cached_tokens = std::max(generation.cached_tokens, update.cached_tokens);
  generation.reasoning_tokens = std::max(generation.reasoning_tokens, update.reasoning_tokens);
  generation.drafted_tokens = std::max(generation.drafted_tokens, update.drafted_tokens);
  generation.accepted_tokens = std::max(generation.accepted_tokens, update.accepted_tokens);
  generation.finish = update.finish;
  generation.stop_string = update.stop_string;
}

absl::StatusOr<Generation> Engine::Generate(const GenerationRequest& request) {
  std::mutex mutex;
  std::condition_variable done;
  Generation result;
  absl::Status error;
  const auto on_update = [&](const GenerationUpdate& update) {
    std::lock_guard lock(mutex);
    Append(update, result);
    error = update.error;
    if (update.finish != Finish::kNone) done.notify_one();
  };
  RETURN_IF_ERROR(Submit(request, on_update).status());
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return result.finish != Finish::kNone; });
  RETURN_IF_ERROR(error);
  return result;
}

}  // namespace engine

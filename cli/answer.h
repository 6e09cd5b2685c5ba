// One answer, streamed, timed, and stopped by Ctrl-C.
#pragma once

#include <functional>
#include <string_view>

#include "cli/interrupt.h"
#include "engine/engine.h"

namespace engine {

struct Answer {
  Generation generation;
  double first_token_seconds = 0;  // from submission
  double total_seconds = 0;

  // Tokens per second after the first; 0 with fewer than two.
  double decode_rate() const;
};

// Takes an answer as it is made, on the engine's output thread. False: it wants no more, and the answer ends.
using AnswerSink = std::function<bool(const GenerationUpdate&)>;

// Returns when the answer has ended.
absl::StatusOr<Answer> StreamAnswer(Engine& engine, const GenerationRequest& request, Interrupt& interrupt,
                                    AnswerSink on_update);

// "12 prompt tokens, first token after 0.05 s; 64 tokens at 98.1 tokens/s, 31 of 40 drafted tokens accepted"
std::string DescribeSpeed(const Answer& answer);

}  // namespace engine

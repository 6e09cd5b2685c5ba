// A conversation on a terminal: lines in, answers out, until /exit or the end of input.
#pragma once

#include "cli/interrupt.h"
#include "engine/engine.h"

namespace engine {

struct ChatOptions {
  std::string system;  // empty: none
  SamplingParams sampling;
  OutputGrammar grammar;  // of every answer
  bool stats = false;     // speed after every answer
};

absl::Status Chat(Engine& engine, Interrupt& interrupt, ChatOptions options);

}  // namespace engine

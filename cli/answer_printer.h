// An answer on standard output, as it is made.
#pragma once

#include "engine/engine.h"

namespace engine {

// On a terminal reasoning is dimmed and stands in front of what is said; elsewhere only what is said is printed, so that
// a program that reads it gets the answer.
class AnswerPrinter {
 public:
  explicit AnswerPrinter(bool shows_reasoning) : shows_reasoning_(shows_reasoning) {}

  // False when nobody can read it any more.
  bool Print(const GenerationUpdate& update);
  // Ends the line, and the dimming of reasoning that was cut off.
  bool End();

 private:
  bool EndReasoning();

  const bool shows_reasoning_;
  bool in_reasoning_ = false;
};

}  // namespace engine

#include "cli/answer_printer.h"

#include <cstdio>
#include <string_view>

namespace engine {
namespace {

constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kNormal = "\x1b[0m";

bool Write(std::string_view text) { return std::fwrite(text.data(), 1, text.size(), stdout) == text.size(); }

}  // namespace

bool AnswerPrinter::Print(const GenerationUpdate& update) {
  bool readable = true;
  if (shows_reasoning_ && !update.reasoning.empty()) {
    if (!in_reasoning_) readable = Write(kDim);
    in_reasoning_ = true;
    readable = readable && Write(update.reasoning);
  }
  if (!update.text.empty()) readable = readable && EndReasoning() && Write(update.text);
  return std::fflush(stdout) == 0 && readable;
}

bool AnswerPrinter::End() {
  const bool readable = (!in_reasoning_ || Write(kNormal)) && Write("\n");
  in_reasoning_ = false;
  return std::fflush(stdout) == 0 && readable;
}

bool AnswerPrinter::EndReasoning() {
  if (!in_reasoning_) return true;
  in_reasoning_ = false;
  return Write(kNormal) && Write("\n\n");
}

}  // namespace engine

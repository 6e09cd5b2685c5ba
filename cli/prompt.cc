#include "cli/prompt.h"

#include <unistd.h>

#include <iostream>
#include <iterator>

#include "cli/progress.h"
#include "cli/usage.h"
#include "core/base/files.h"

namespace engine {
namespace {

// Files and pipes end in a line break that nobody means.
std::string WithoutLastBreak(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

absl::StatusOr<std::optional<std::string>> NotEmpty(std::string text, const std::string& source) {
  if (text.empty()) return UsageError("the prompt from %s is empty", source);
  return text;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ReadPrompt(const std::optional<std::string>& text,
                                                      const std::optional<std::string>& path) {
  if (text && path) return UsageError("give either --prompt or --file, not both");
  if (text && *text != "-") return NotEmpty(*text, "--prompt");
  if (path) {
    ASSIGN_OR_RETURN(std::string content, ReadFile(*path));
    return NotEmpty(WithoutLastBreak(std::move(content)), *path);
  }
  if (!text && IsTerminal(STDIN_FILENO)) return std::nullopt;
  return NotEmpty(WithoutLastBreak(std::string(std::istreambuf_iterator<char>(std::cin), {})), "standard input");
}

}  // namespace engine

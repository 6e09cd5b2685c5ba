#include "cli/prompt.h"

#include <unistd.h>

#include <iostream>
#include <iterator>

#include "cli/progress.h"
#include "cli/read_file.h"
#include "cli/usage.h"

namespace engine {
namespace {

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
    return NotEmpty(std::move(content), *path);
  }
  if (!text && IsTerminal(STDIN_FILENO)) return std::nullopt;
  return NotEmpty(std::string(std::istreambuf_iterator<char>(std::cin), {}), "standard input");
}

}  // namespace engine

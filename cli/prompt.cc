#include "cli/prompt.h"

#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>

#include "cli/progress.h"
#include "cli/usage.h"

namespace engine {
namespace {

absl::StatusOr<std::optional<std::string>> ReadAll(std::istream& in, const std::string& what) {
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) return DataLoss("%s could not be read to its end", what);
  if (text.empty()) return UsageError("the prompt from %s is empty", what);
  return text;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ReadPrompt(const std::string& text, const std::string& path) {
  if (!text.empty() && !path.empty()) return UsageError("give either --prompt or --file, not both");
  if (!text.empty() && text != "-") return text;
  if (!path.empty()) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return NotFound("the prompt file %s cannot be read", path);
    return ReadAll(in, path);
  }
  if (text.empty() && IsTerminal(STDIN_FILENO)) return std::nullopt;
  return ReadAll(std::cin, "standard input");
}

}  // namespace engine

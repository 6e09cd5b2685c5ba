#include "benchmarks/speed_test.h"

#include "absl/strings/str_format.h"

namespace engine {

std::string SpeedTest::name() const {
  std::string text =
      reads_prompts() ? absl::StrFormat("pp%d", prompt_tokens) : absl::StrFormat("tg%d", generated_tokens);
  if (batch > 1) text += absl::StrFormat(" b%d", batch);
  if (depth > 0) text += absl::StrFormat(" @%d", depth);
  return text;
}

// The token that ends a prompt is sampled outside the timed part, and so is the one after a generation.
int64_t SpeedTest::context_tokens() const { return int64_t{depth} + prompt_tokens + generated_tokens + 2; }

}  // namespace engine

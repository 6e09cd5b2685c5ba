// What `engine bench` times, as data.
#pragma once

#include <cstdint>
#include <string>

namespace engine {

// Either is timed: prompts being read, or tokens being made; with `depth` tokens in the cache before.
struct SpeedTest {
  int prompt_tokens = 0;     // of each sequence
  int generated_tokens = 0;  // of each sequence
  int batch = 1;
  int depth = 0;

  bool reads_prompts() const { return prompt_tokens > 0; }
  std::string name() const;        // "pp512", "tg128 b8 @4096"
  int64_t context_tokens() const;  // the most of one sequence
};

}  // namespace engine

// The requests of a load, the same ones for a seed. Lengths of made prompts are in words that most tokenizers have as one
// token each; how many tokens a prompt had is what the server says.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "benchmarks/serve/load.h"
#include "core/base/status.h"

namespace engine {

// vLLM's names and defaults of its flags.
struct DatasetOptions {
  std::string name = "random";  // one of DatasetNames()
  std::string path;             // of sharegpt and custom
  int num_prompts = 1000;
  uint64_t seed = 0;
  int first_entry = 0;  // of a file's, which begins again behind its last

  int random_input_len = 1024;
  int random_output_len = 128;
  double random_range_ratio = 0;  // lengths are uniform between (1 - ratio) and (1 + ratio) times those
  int random_prefix_len = 0;      // words that all prompts begin with, before input_len others

  int prefix_repetition_prefix_len = 256;
  int prefix_repetition_suffix_len = 256;
  int prefix_repetition_num_prefixes = 10;
  int prefix_repetition_output_len = 128;

  int sharegpt_output_len = 0;  // 0: as long as the conversation's own answer
  int custom_output_len = 256;  // of lines without output_tokens
};

std::span<const std::string_view> DatasetNames();

// random: words. prefix_repetition: num_prefixes beginnings, each shared by as many prompts, in random order.
// sharegpt: the first question of each conversation of a JSON file. custom: a JSON object with "prompt" per line.
absl::StatusOr<std::vector<LoadRequest>> MakeDataset(const DatasetOptions& options);

}  // namespace engine

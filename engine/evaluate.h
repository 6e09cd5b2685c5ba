// A model on given tokens: its logits, and how well it foretells them.
#pragma once

#include <functional>
#include <span>

#include "engine/engine.h"

namespace engine {

struct EvaluationOptions {
  EngineOptions engine;  // max_model_len, max_num_seqs and the cache's size follow from the window
  int window = 512;      // tokens [0, window) form one sequence from an empty cache, the next window another
  std::function<void(std::span<const float> logits)> on_logits;  // of every token in order; may be null
  std::function<void(int64_t done_tokens, int64_t total_tokens)> progress;
};

struct Evaluation {
  int64_t tokens = 0;
  int64_t foretold = 0;   // tokens whose predecessor is in their window
  double perplexity = 0;  // exp of the mean negative log-probability of those
  double agreement = 0;   // share of them that were the likeliest
};

// The tokens of a text as the model's tokenizer reads it, without BOS.
absl::StatusOr<std::vector<int32_t>> EncodeText(const std::string& model, std::string_view text);

absl::StatusOr<Evaluation> Evaluate(const EvaluationOptions& options, std::span<const int32_t> tokens);

}  // namespace engine

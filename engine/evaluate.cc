#include "engine/evaluate.h"

#include <algorithm>
#include <cmath>

#include "engine/forward.h"
#include "engine/model_path.h"
#include "engine/model_text.h"
#include "engine/open_model.h"

namespace engine {
namespace {

// Rows of logits of one step. With the 150,000 tokens of a large vocabulary, 128 rows are 77 MB.
constexpr int kChunk = 128;

// Sums over the tokens that were foretold.
struct Tally {
  int64_t foretold = 0;
  int64_t agreed = 0;
  double surprise = 0;  // natural logarithms

  void Add(std::span<const float> logits, int32_t next) {
    const auto likeliest = std::ranges::max_element(logits);
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - *likeliest);
    surprise += std::log(sum) - (static_cast<double>(logits[next]) - *likeliest);
    agreed += likeliest - logits.begin() == next;
    ++foretold;
  }
};

absl::Status CheckTokens(std::span<const int32_t> tokens, int vocab) {
  for (size_t t = 0; t < tokens.size(); ++t) {
    if (tokens[t] >= 0 && tokens[t] < vocab) continue;
    return InvalidArgument("token %d of the input is %d; the model's tokens are 0 to %d", t, tokens[t], vocab - 1);
  }
  return absl::OkStatus();
}

absl::StatusOr<OpenedModel> OpenForWindow(const EvaluationOptions& options) {
  if (options.window < 2) return InvalidArgument("window is %d; it must be at least 2", options.window);
  EngineOptions engine = options.engine;
  engine.max_model_len = options.window;
  engine.max_num_seqs = 1;
  engine.max_num_batched_tokens = kChunk;
  engine.kv_cache_bytes = 0;
  ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(engine));
  opened.options.limits.max_sampled = kChunk;
  return opened;
}

}  // namespace

absl::StatusOr<std::vector<int32_t>> EncodeText(const std::string& model, std::string_view text) {
  ASSIGN_OR_RETURN(const std::string path, ResolveModel(model));
  ASSIGN_OR_RETURN(const std::unique_ptr<Checkpoint> checkpoint, Checkpoint::Open(path));
  ASSIGN_OR_RETURN(const ModelText model_text, LoadModelText(*checkpoint));
  return model_text.tokenizer->Encode(text, {});
}

absl::StatusOr<Evaluation> Evaluate(const EvaluationOptions& options, std::span<const int32_t> tokens) {
  ASSIGN_OR_RETURN(OpenedModel opened, OpenForWindow(options));
  ASSIGN_OR_RETURN(LoadedModel model, LoadModel(opened));
  RETURN_IF_ERROR(CheckTokens(tokens, model.vocab));
  const auto total = static_cast<int64_t>(tokens.size());
  Tally tally;
  for (int64_t start = 0; start < total; start += options.window) {
    const std::span<const int32_t> window = tokens.subspan(start, std::min<int64_t>(options.window, total - start));
    const auto take = [&](int64_t position, std::span<const float> logits) {
      if (options.on_logits) options.on_logits(logits);
      if (position + 1 < static_cast<int64_t>(window.size())) tally.Add(logits, window[position + 1]);
    };
    RETURN_IF_ERROR(ForwardSequence(model, window, kChunk, take));
    if (options.progress) options.progress(start + static_cast<int64_t>(window.size()), total);
  }
  if (tally.foretold == 0) return InvalidArgument("%d tokens are too few to evaluate; give at least 2", total);
  const auto foretold = static_cast<double>(tally.foretold);
  return Evaluation{.tokens = total,
                    .foretold = tally.foretold,
                    .perplexity = std::exp(tally.surprise / foretold),
                    .agreement = static_cast<double>(tally.agreed) / foretold};
}

}  // namespace engine

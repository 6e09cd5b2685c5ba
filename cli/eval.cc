#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "absl/strings/str_format.h"
#include "cli/engine_flags.h"
#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "core/base/files.h"
#include "engine/evaluate.h"

namespace engine {
namespace {

struct EvalFlags {
  EvaluationOptions evaluation{.engine = {.model = kDefaultModel}};
  std::string tokens;
  std::string text;
  std::string logits;
  std::string output = "text";
};

void AddEvalFlags(FlagSet& flags, EvalFlags& eval) {
  AddModelFlag(flags, eval.evaluation.engine.model);
  flags.Add({"--text", "FILE", "text to evaluate"}, eval.text);
  flags.Add({"--tokens", "FILE", "tokens to evaluate instead: little-endian 32-bit ids, no BOS is added"}, eval.tokens);
  flags.Add({"--logits", "FILE", "write the logits: little-endian f32 [tokens, vocabulary]"}, eval.logits);
  flags.Add({"--window", "N", "every N tokens begin a sequence of their own (512)"}, eval.evaluation.window);
  AddKvCacheFlag(flags, eval.evaluation.engine);
  AddOutputFlag(flags, eval.output);
  AddDeviceFlags(flags, eval.evaluation.engine);
}

absl::StatusOr<std::vector<int32_t>> ReadTokens(const EvalFlags& eval) {
  if (!eval.text.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(eval.text));
    return EncodeText(eval.evaluation.engine.model, text);
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(eval.tokens));
  if (bytes.size() % sizeof(int32_t) != 0) {
    return InvalidArgument("%s has %d bytes; token ids take 4 bytes each", eval.tokens, bytes.size());
  }
  std::vector<int32_t> tokens(bytes.size() / sizeof(int32_t));
  std::memcpy(tokens.data(), bytes.data(), bytes.size());
  return tokens;
}

absl::StatusOr<Evaluation> RunEvaluation(EvalFlags& eval, std::span<const int32_t> tokens) {
  Progress progress("evaluating " + eval.evaluation.engine.model);
  std::ofstream logits;
  if (!eval.logits.empty()) {
    logits.open(eval.logits, std::ios::binary);
    if (!logits) return InvalidArgument("--logits: %s cannot be written: %s", eval.logits, std::strerror(errno));
    eval.evaluation.on_logits = [&logits](std::span<const float> row) {
      logits.write(reinterpret_cast<const char*>(row.data()), static_cast<std::streamsize>(row.size_bytes()));
    };
  }
  eval.evaluation.progress = [&progress](int64_t done, int64_t total) { progress.Update(done, total); };
  ASSIGN_OR_RETURN(const Evaluation evaluation, Evaluate(eval.evaluation, tokens));
  logits.close();
  if (!eval.logits.empty() && !logits) return DataLoss("%s could not be written; is there room?", eval.logits);
  return evaluation;
}

}  // namespace

absl::Status EvalVerb(Arguments arguments) {
  EvalFlags eval;
  FlagSet flags("engine eval [MODEL]", "Computes the perplexity of a text or of tokens, and writes their logits.");
  AddEvalFlags(flags, eval);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  if (eval.text.empty() == eval.tokens.empty()) return UsageError("give either --text or --tokens");
  ASSIGN_OR_RETURN(const std::vector<int32_t> tokens, ReadTokens(eval));
  ASSIGN_OR_RETURN(const Evaluation evaluation, RunEvaluation(eval, tokens));
  if (eval.output == "json") {
    PrintJson({{"tokens", evaluation.tokens},
               {"foretold", evaluation.foretold},
               {"perplexity", evaluation.perplexity},
               {"agreement", evaluation.agreement}});
  } else {
    absl::PrintF("perplexity %.4f over %d of %d tokens; the likeliest token was right in %.1f %%\n",
                 evaluation.perplexity, evaluation.foretold, evaluation.tokens, 100 * evaluation.agreement);
  }
  return absl::OkStatus();
}

}  // namespace engine

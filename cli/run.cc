#include <unistd.h>

#include <cstdio>
#include <optional>

#include "absl/strings/str_format.h"
#include "cli/answer.h"
#include "cli/answer_printer.h"
#include "cli/chat.h"
#include "cli/engine_flags.h"
#include "cli/grammar_flags.h"
#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/prompt.h"
#include "cli/sampling_flags.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "core/base/clock.h"

namespace engine {
namespace {

struct RunFlags {
  EngineOptions options{.model = kDefaultModel};
  SamplingParams sampling;
  GrammarFlags grammar_flags;
  OutputGrammar grammar;
  std::optional<std::string> prompt;
  std::optional<std::string> file;
  std::string system;
  std::string output = "text";
  bool raw = false;
  bool stream = true;
  bool verbose = false;
};

void AddRunFlags(FlagSet& flags, RunFlags& run) {
  AddModelFlag(flags, run.options.model);
  flags.Add({"--prompt,-p", "TEXT", "what to answer; -: read it from standard input"}, run.prompt);
  flags.Add({"--file,-f", "FILE", "read the prompt from a file"}, run.file);
  flags.Add({"--system,-sys", "TEXT", "system message"}, run.system);
  flags.Add({"--raw", "", "continue the prompt as plain text, without the model's chat template"}, run.raw);
  flags.Add({"--stream", "", "print text as it is made (default)"}, run.stream);
  AddOutputFlag(flags, run.output);
  flags.Add({"--verbose,-v", "", "say on stderr what was loaded and how fast it ran"}, run.verbose);
  AddSamplingFlags(flags, run.sampling);
  AddGrammarFlags(flags, run.grammar_flags);
  AddDeviceFlags(flags, run.options);
  AddLimitFlags(flags, run.options);
  AddSpeculationFlags(flags, run.options);
  AddChatFlags(flags, run.options);
  AddReasoningFlag(flags, run.options);
}

absl::Status CheckFlags(const RunFlags& run, const std::optional<std::string>& prompt) {
  const bool chats = !prompt;
  if (chats && (run.raw || run.output == "json")) {
    return UsageError("a chat has neither --raw nor -o json; give a prompt with -p, -f or on standard input");
  }
  if (run.raw && !(run.options.chat_template.empty() && run.options.chat_template_kwargs.empty())) {
    return UsageError("--chat-template and its --chat-template-kwargs are what --raw leaves out");
  }
  if (run.raw && !run.system.empty()) return UsageError("--system needs the chat template that --raw leaves out");
  if (run.sampling.logprobs != SamplingParams::kNoLogprobs && run.output != "json") {
    return UsageError("--logprobs needs -o json: plain text has no place for them");
  }
  return absl::OkStatus();
}

absl::StatusOr<GenerationRequest> MakeRequest(const RunFlags& run, const ModelInfo& model, std::string prompt) {
  GenerationRequest request{.sampling = run.sampling, .grammar = run.grammar};
  if (run.raw || model.chat_template.empty()) {
    if (!run.system.empty()) return UsageError("--system: %s has no chat template to put it in", model.path);
    request.prompt = std::move(prompt);
    return request;
  }
  request.split_output = true;
  if (!run.system.empty()) request.messages.push_back({"system", run.system});
  request.messages.push_back({"user", std::move(prompt)});
  return request;
}

absl::Status AnswerOnce(const RunFlags& run, Engine& engine, Interrupt& interrupt, std::string prompt,
                        double load_seconds) {
  ASSIGN_OR_RETURN(const GenerationRequest request, MakeRequest(run, engine.model(), std::move(prompt)));
  const bool json = run.output == "json";
  const bool stream = run.stream && !json;
  AnswerPrinter printer(IsTerminal(STDOUT_FILENO));
  ASSIGN_OR_RETURN(const Answer answer,
                   StreamAnswer(engine, request, interrupt, [&printer, stream](const GenerationUpdate& update) {
                     return !stream || printer.Print(update);
                   }));
  if (json) {
    PrintJson(ToJson(answer, engine.model(), load_seconds));
  } else {
    if (!stream) printer.Print({.text = answer.generation.text, .reasoning = answer.generation.reasoning});
    printer.End();
  }
  if (run.verbose || (!json && IsTerminal(STDERR_FILENO))) absl::FPrintF(stderr, "[%s]\n", DescribeSpeed(answer));
  if (answer.generation.finish == Finish::kCancelled) return absl::CancelledError("stopped by Ctrl-C");
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Engine>> Load(const RunFlags& run) {
  Progress progress("loading " + run.options.model);
  EngineOptions options = run.options;
  options.load_progress = [&progress](int64_t done, int64_t total) { progress.Update(done, total); };
  return Engine::Create(options);
}

void DescribeModel(const ModelInfo& model, double load_seconds) {
  absl::FPrintF(stderr, "[%s: %s, %s, %.1f MB of weights, %.1f MB of KV cache, context %d, loaded in %.2f s]\n",
                model.path, model.architecture, model.weight_format, static_cast<double>(model.weight_bytes) / 1e6,
                static_cast<double>(model.kv_cache_bytes) / 1e6, model.max_model_len, load_seconds);
}

}  // namespace

absl::Status RunVerb(Arguments arguments) {
  RunFlags run;
  FlagSet flags("engine run [MODEL]", "Answers a prompt; without one, on a terminal, chats.");
  AddRunFlags(flags, run);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  RETURN_IF_ERROR(CompleteOptions(flags, run.options));
  ASSIGN_OR_RETURN(std::optional<std::string> prompt, ReadPrompt(run.prompt, run.file));
  RETURN_IF_ERROR(CheckFlags(run, prompt));
  ASSIGN_OR_RETURN(run.grammar, ReadGrammar(run.grammar_flags));

  Interrupt interrupt;
  const auto start = Now();
  ASSIGN_OR_RETURN(const std::unique_ptr<Engine> engine, Load(run));
  const double load_seconds = SecondsSince(start);
  if (run.verbose) DescribeModel(engine->model(), load_seconds);
  run.sampling = engine->model().default_sampling;
  RETURN_IF_ERROR(flags.ApplyAgain());
  RETURN_IF_ERROR(run.sampling.Validate(engine->model().vocab_size));
  if (prompt) return AnswerOnce(run, *engine, interrupt, *std::move(prompt), load_seconds);
  if (engine->model().chat_template.empty()) {
    return UsageError(
        "a chat needs a template, and this model has none; give a prompt with -p, -f or on standard input");
  }
  return Chat(*engine, interrupt,
              {.system = run.system, .sampling = run.sampling, .grammar = run.grammar, .stats = run.verbose});
}

}  // namespace engine

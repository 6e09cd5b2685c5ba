// engine VERB [arguments]. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "cli/last_words.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "core/base/nearest_name.h"
#include "engine/version.h"

namespace engine {
namespace {

struct Verb {
  std::string_view name;
  std::string_view summary;
  absl::Status (*run)(Arguments arguments);
};

constexpr Verb kVerbs[] = {
    {"run", "answer a prompt, or chat on a terminal", RunVerb},
    {"serve", "answer over HTTP, as OpenAI's API does", ServeVerb},
    {"bench", "measure speed, and the share of what the machine can do", BenchVerb},
    {"eval", "logits or perplexity of a model on given text", EvalVerb},
    {"plan", "show where the memory of a model would go", PlanVerb},
    {"pull", "fetch a model by name", PullVerb},
    {"pack", "write a model as one file that loads at once", PackVerb},
    {"models", "list the names that pull knows, and what can be loaded", ModelsVerb},
    {"devices", "list devices, and why one cannot be used", DevicesVerb},
    {"kernels", "show which kernel runs each op of a model", KernelsVerb},
    {"selftest", "show whether a device computes what the CPU computes", SelftestVerb},
};

std::string Help() {
  std::string text = "usage: engine VERB [arguments]\n\n";
  for (const Verb& verb : kVerbs) absl::StrAppendFormat(&text, "  %-9s%s\n", verb.name, verb.summary);
  return text + "\n`engine VERB --help` lists the flags of a verb; `engine --version` names this build.\n";
}

const Verb* FindVerb(std::string_view name) {
  for (const Verb& verb : kVerbs) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

absl::Status UnknownVerb(const std::string& name) {
  std::vector<std::string_view> names = {"help", "--help", "version", "--version"};
  for (const Verb& verb : kVerbs) names.push_back(verb.name);
  return UsageError("unknown verb %s%s (`engine help` lists all)", name, DidYouMean(NearestName(name, names)));
}

absl::Status HelpVerb(Arguments arguments) {
  if (arguments.empty()) {
    std::fputs(Help().c_str(), stdout);
    return absl::OkStatus();
  }
  const std::string& name = arguments.front();
  if (name == "help" || name == "version") return HelpVerb({});
  const Verb* verb = FindVerb(name);
  if (verb == nullptr) return UnknownVerb(name);
  const std::string help[] = {"--help"};
  return verb->run(help);
}

absl::Status Dispatch(Arguments arguments) {
  if (arguments.empty()) return UsageError("name a verb; `engine help` lists them");
  const std::string& name = arguments.front();
  const Arguments rest = arguments.subspan(1);
  if (name == "help" || name == "--help" || name == "-h") return HelpVerb(rest);
  if (name == "version" || name == "--version") {
    absl::PrintF("engine %s\n", Version());
    return absl::OkStatus();
  }
  const Verb* verb = FindVerb(name);
  return verb == nullptr ? UnknownVerb(name) : verb->run(rest);
}

// What was printed must have arrived: a full disk is a failure.
absl::Status FlushOutput() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return absl::OkStatus();
  return DataLoss("standard output could not be written; is there room, and does anybody read it?");
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  std::set_terminate(engine::SayWhyItEnds);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  absl::Status status = engine::Dispatch(arguments);
  // Where printing failed, that is why whatever else failed did.
  if (absl::Status printed = engine::FlushOutput(); !printed.ok()) status = std::move(printed);
  if (status.ok()) return 0;
  absl::FPrintF(stderr, "engine: %s\n", engine::Message(status));
  if (absl::IsCancelled(status)) return 130;
  return engine::IsUsageError(status) ? 2 : 1;
}

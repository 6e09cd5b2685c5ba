#include "cli/chat.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <span>
#include <string>

#include "absl/strings/str_format.h"
#include "cli/answer.h"
#include "cli/answer_printer.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"

namespace engine {
namespace {

class Conversation {
 public:
  Conversation(Engine& engine, Interrupt& interrupt, ChatOptions options)
      : engine_(engine),
        interrupt_(interrupt),
        options_(std::move(options)),
        settings_("/set NAME VALUE", "what is set holds from the next answer on") {
    AddSamplingFlags(settings_, options_.sampling);
    settings_.Add({"--stats", "", "show the speed of every answer"}, options_.stats);
  }

  // A line that begins with a slash. False: the conversation ends.
  absl::StatusOr<bool> RunCommand(const std::string& line);
  absl::Status Say(const std::string& text);

 private:
  absl::Status SetValue(const std::string& arguments);

  Engine& engine_;
  Interrupt& interrupt_;
  ChatOptions options_;
  FlagSet settings_;
  std::vector<ChatMessage> history_;  // without the system message
  std::string last_speed_ = "nothing was answered yet";
};

struct Command {
  std::string_view name;
  std::string_view help;
};
constexpr Command kCommands[] = {
    {"/help", "this list"},
    {"/clear", "forget the conversation"},
    {"/system TEXT", "begin again with this system message; without TEXT: with none"},
    {"/set NAME VALUE", "change a sampling setting (temperature, top-p, max-tokens, ...)"},
    {"/stats", "speed of the last answer"},
    {"/exit", "end; so does Ctrl-D"},
};

void PrintCommands() {
  for (const Command& command : kCommands) absl::PrintF("  %-18s%s\n", command.name, command.help);
  absl::PrintF("A line that ends with a backslash goes on in the next. Ctrl-C stops an answer, then the program.\n");
}

absl::StatusOr<bool> Conversation::RunCommand(const std::string& line) {
  const size_t blank = line.find(' ');
  const std::string name = line.substr(0, blank);
  const std::string rest = blank == std::string::npos ? "" : line.substr(blank + 1);
  if (name == "/exit" || name == "/quit" || name == "/bye") return false;
  if (name == "/help") {
    PrintCommands();
  } else if (name == "/clear") {
    history_.clear();
  } else if (name == "/system") {
    history_.clear();
    options_.system = rest;
  } else if (name == "/set") {
    RETURN_IF_ERROR(SetValue(rest));
  } else if (name == "/stats") {
    absl::PrintF("%s\n", last_speed_);
  } else {
    return InvalidArgument("unknown command %s; /help lists them", name);
  }
  return true;
}

absl::Status Conversation::SetValue(const std::string& arguments) {
  const size_t blank = arguments.find(' ');
  if (blank == std::string::npos) return InvalidArgument("give a name and a value: /set temperature 0.2");
  const SamplingParams before = options_.sampling;
  absl::Status status = settings_.Set(arguments.substr(0, blank), arguments.substr(blank + 1));
  if (status.ok()) status = options_.sampling.Validate(engine_.model().vocab_size);
  if (!status.ok()) options_.sampling = before;
  return status;
}

absl::Status Conversation::Say(const std::string& text) {
  GenerationRequest request{.split_output = true, .sampling = options_.sampling, .grammar = options_.grammar};
  if (!options_.system.empty()) request.messages.push_back({"system", options_.system});
  request.messages.insert(request.messages.end(), history_.begin(), history_.end());
  request.messages.push_back({"user", text});
  AnswerPrinter printer(IsTerminal(STDOUT_FILENO));
  ASSIGN_OR_RETURN(const Answer answer,
                   StreamAnswer(engine_, request, interrupt_,
                                [&printer](const GenerationUpdate& update) { return printer.Print(update); }));
  printer.End();
  // What was said before a Ctrl-C stays part of the conversation.
  history_.push_back({"user", text});
  history_.push_back(
      {.role = "assistant", .content = answer.generation.text, .reasoning = answer.generation.reasoning});
  last_speed_ = DescribeSpeed(answer);
  if (options_.stats) absl::FPrintF(stderr, "[%s]\n", last_speed_);
  return absl::OkStatus();
}

// A line, joined with the next ones while it ends with a backslash. False at the end of input.
bool ReadMessage(std::string& message) {
  message.clear();
  absl::PrintF("> ");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    if (!line.ends_with('\\')) {
      message += line;
      return true;
    }
    message += line.substr(0, line.size() - 1) + "\n";
  }
  return !message.empty();
}

}  // namespace

absl::Status Chat(Engine& engine, Interrupt& interrupt, ChatOptions options) {
  Conversation conversation(engine, interrupt, std::move(options));
  absl::PrintF("%s (/help lists commands)\n", engine.model().path);
  for (std::string message; ReadMessage(message);) {
    if (message.find_first_not_of(" \t\r\n") == std::string::npos) continue;
    absl::Status status;
    if (message.starts_with('/')) {
      const absl::StatusOr<bool> goes_on = conversation.RunCommand(message);
      if (goes_on.ok() && !*goes_on) return absl::OkStatus();
      status = goes_on.status();
    } else {
      status = conversation.Say(message);
    }
    // A refused message leaves the conversation as it was.
    if (!status.ok()) absl::FPrintF(stderr, "engine: %s\n", Message(status));
  }
  absl::PrintF("\n");
  return absl::OkStatus();
}

}  // namespace engine

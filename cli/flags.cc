#include "cli/flags.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/config_file.h"
#include "cli/usage.h"
#include "core/base/nearest_name.h"

namespace engine {
namespace {

constexpr std::string_view kPrefix = "ENGINE_";  // of what stands for flags in the environment

// "--max-tokens" -> "ENGINE_MAX_TOKENS"
std::string EnvironmentName(std::string_view flag) {
  std::string name(kPrefix);
  for (const char c : flag.substr(2)) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

// "max_tokens" -> "--max-tokens"
std::string WithDashes(std::string name) {
  std::ranges::replace(name, '_', '-');
  if (name.starts_with('-')) return name;
  return (name.size() == 1 ? "-" : "--") + name;
}

std::string WithoutDashes(const std::string& name) {
  return name.substr(std::min(name.find_first_not_of('-'), name.size()));
}

std::string Opposite(const std::string& value) {
  bool on = false;
  return ReadValue(value, on).ok() ? (on ? "false" : "true") : value;
}

bool IsFlag(const std::string& argument) { return argument.size() > 1 && argument[0] == '-'; }

// As Kubernetes sets it in pods beside a service whose name begins with "engine": ENGINE_CHAT_PORT_80_TCP_ADDR.
bool IsOfAService(std::string_view variable) {
  return variable.ends_with("_SERVICE_HOST") || variable.find("_SERVICE_PORT") != std::string_view::npos ||
         variable.ends_with("_PORT") || variable.find("_PORT_") != std::string_view::npos;
}

// The variable that was probably meant by one that means nothing here; empty: none is near.
std::string MeantVariable(const std::string& variable, const std::vector<std::string>& known) {
  if (!variable.starts_with(kPrefix) || IsOfAService(variable)) return {};
  if (std::ranges::find(known, variable) != known.end()) return {};
  std::vector<std::string_view> names;
  for (const std::string_view name : known) names.push_back(name.substr(kPrefix.size()));
  const std::string nearest = NearestName(std::string_view(variable).substr(kPrefix.size()), names);
  return nearest.empty() ? "" : std::string(kPrefix) + nearest;
}

}  // namespace

void FlagSet::AddReader(const FlagText& text, Reader read, std::function<void()> clear) {
  flags_.push_back({.names = absl::StrSplit(std::string(text.names), ','),
                    .value = std::string(text.value),
                    .help = std::string(text.help),
                    .hidden = text.hidden,
                    .read = std::move(read),
                    .clear = std::move(clear)});
}

void FlagSet::Add(const FlagText& text, bool& target) {
  AddReader({text.names, "", text.help}, [&target](const std::string& value) { return ReadValue(value, target); });
}

void FlagSet::AddChoice(const FlagText& text, std::initializer_list<std::string_view> choices, std::string& target) {
  AddReader(text,
            [choices = std::vector<std::string>(choices.begin(), choices.end()),
             &target](const std::string& value) -> absl::Status {
              if (std::ranges::find(choices, value) == choices.end()) {
                return InvalidArgument("is '%s'; it must be one of %s", value, absl::StrJoin(choices, ", "));
              }
              target = value;
              return absl::OkStatus();
            });
}

template <typename Body>
void FlagSet::Flag::ForEachName(const Body& body) const {
  for (const std::string& name : names) {
    body(name, false);
    if (value.empty() && name.starts_with("--")) body("--no-" + name.substr(2), true);
  }
}

FlagSet::Match FlagSet::Find(std::string_view name) {
  Match match;
  for (Flag& flag : flags_) {
    flag.ForEachName([&](const std::string& candidate, bool negated) {
      if (candidate == name) match = {&flag, negated};
    });
  }
  return match;
}

std::string FlagSet::Nearest(const std::string& name) const {
  std::vector<std::string> names;
  for (const Flag& flag : flags_) {
    if (!flag.hidden) flag.ForEachName([&](const std::string& one, bool) { names.push_back(one); });
  }
  // Dashes are no letters of a name.
  std::vector<std::string> words;
  for (const std::string& one : names) words.push_back(WithoutDashes(one));
  const std::string nearest = NearestName(WithoutDashes(name), {words.begin(), words.end()});
  const auto found = std::ranges::find(words, nearest);
  return found == words.end() ? "" : names[found - words.begin()];
}

std::string FlagSet::CommandName() const { return command_.substr(0, command_.find(" [")); }

absl::StatusOr<FlagSet::Match> FlagSet::Require(const std::string& name, const std::string& source) {
  const Match match = Find(name);
  if (match.flag != nullptr) return match;
  const std::string nearest = Nearest(name);
  return UsageError("unknown flag %s%s%s `%s --help` lists all", name, source,
                    nearest.empty() ? ";" : DidYouMean(nearest), CommandName());
}

absl::Status FlagSet::TakePositional(const std::string& argument, size_t index) {
  const bool takes_more = !positionals_.empty() && flags_[positionals_.back()].clear != nullptr;
  if (index >= positionals_.size() && !takes_more) {
    return UsageError("unexpected argument '%s' for `%s`; a value needs its flag, as in -p TEXT", argument, command_);
  }
  Flag& flag = flags_[positionals_[std::min(index, positionals_.size() - 1)]];
  if (flag.clear == nullptr) flag.given.clear();
  flag.given.push_back(argument);
  return absl::OkStatus();
}

// Where nothing is named yet, `--api-key A MODEL` must mean the model.
bool FlagSet::IsOneMoreOf(const Flag* several) const {
  return several != nullptr && (positionals_.empty() || !flags_[positionals_.front()].given.empty());
}

absl::Status FlagSet::TakeCommandLine(std::span<const std::string> arguments) {
  size_t num_positionals = 0;
  bool flags_end = false;
  Flag* several = nullptr;  // that may have more values
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!flags_end && arguments[i] == "--") {
      flags_end = true;
      continue;
    }
    if (!flags_end && !IsFlag(arguments[i]) && IsOneMoreOf(several)) {
      several->given.push_back(arguments[i]);
      continue;
    }
    several = nullptr;
    if (flags_end || !IsFlag(arguments[i])) {
      RETURN_IF_ERROR(TakePositional(arguments[i], num_positionals++));
      continue;
    }
    const size_t equals = arguments[i].find('=');
    const std::string name = arguments[i].substr(0, equals);
    ASSIGN_OR_RETURN(const Match match, Require(name, ""));
    std::string value = "true";
    if (equals != std::string::npos) {
      value = arguments[i].substr(equals + 1);
    } else if (!match.flag->value.empty()) {
      if (++i == arguments.size()) return UsageError("%s needs a value: %s %s", name, name, match.flag->value);
      value = arguments[i];
      if (match.flag->value.ends_with(" ...") && match.flag->clear != nullptr) several = match.flag;
    }
    match.flag->given.push_back(match.negated ? Opposite(value) : value);
  }
  return absl::OkStatus();
}

std::vector<std::string> FlagSet::MistypedVariables() const {
  std::vector<std::string> known;
  for (const Flag& flag : flags_) {
    if (flag.hidden) continue;
    flag.ForEachName([&](const std::string& name, bool) {
      if (name.starts_with("--")) known.push_back(EnvironmentName(name));
    });
  }
  std::vector<std::string> lines;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string variable(text.substr(0, text.find('=')));
    const std::string meant = MeantVariable(variable, known);
    if (meant.empty()) continue;
    lines.push_back(absl::StrFormat("%s stands for no flag of `%s`; did you mean %s?", variable, CommandName(), meant));
  }
  return lines;
}

void FlagSet::TakeEnvironment() {
  for (Flag& flag : flags_) {
    if (flag.hidden) continue;
    flag.ForEachName([&flag](const std::string& name, bool negated) {
      if (!name.starts_with("--") || !flag.given.empty()) return;
      const std::string variable = EnvironmentName(name);
      const char* value = std::getenv(variable.c_str());
      if (value == nullptr) return;
      flag.given = {negated ? Opposite(value) : value};
      flag.source = " (from " + variable + ")";
    });
  }
}

absl::Status FlagSet::TakeConfigFile() {
  if (config_path_.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<ConfigEntry> entries, ReadConfigFile(config_path_));
  const std::string source = absl::StrFormat(" (from %s)", config_path_);
  for (const ConfigEntry& entry : entries) {
    ASSIGN_OR_RETURN(const Match match, Require(WithDashes(entry.name), source));
    if (match.flag == &flags_.back()) return UsageError("%s: a file of flags cannot name another", config_path_);
    if (match.flag->source == source)
      return UsageError("%s: %s is there twice", config_path_, match.flag->names.front());
    if (!match.flag->given.empty()) continue;
    for (const std::string& value : entry.values) {
      match.flag->given.push_back(match.negated ? Opposite(value) : value);
    }
    match.flag->source = source;
  }
  return absl::OkStatus();
}

absl::Status FlagSet::Apply(Flag& flag) {
  if (!flag.given.empty() && flag.clear) flag.clear();
  for (const std::string& value : flag.given) {
    if (const absl::Status status = flag.read(value); !status.ok()) {
      return UsageError("%s%s %s", flag.names.front(), flag.source, Message(status));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> FlagSet::Parse(std::span<const std::string> arguments) {
  Add({"--config", "FILE", "read flags from a YAML file"}, config_path_);
  Add({"--help,-h", "", "print this text"}, help_wanted_);
  RETURN_IF_ERROR(TakeCommandLine(arguments));
  if (!flags_.back().given.empty()) {
    std::fputs(Help().c_str(), stdout);
    return false;
  }
  flags_.pop_back();
  TakeEnvironment();
  RETURN_IF_ERROR(Apply(flags_.back()));
  RETURN_IF_ERROR(TakeConfigFile());
  RETURN_IF_ERROR(ApplyAgain());
  return true;
}

absl::Status FlagSet::ApplyAgain() {
  for (Flag& flag : flags_) RETURN_IF_ERROR(Apply(flag));
  return absl::OkStatus();
}

absl::Status FlagSet::UsageErrorOf(const absl::Status& error) {
  const std::string message(Message(error));
  const size_t end = std::min(message.find_first_of(" :"), message.size());
  const Match match = Find(WithDashes(message.substr(0, end)));
  if (match.flag == nullptr) return MarkUsageError(error);
  return UsageError("%s%s%s", match.flag->names.front(), match.flag->source, message.substr(end));
}

absl::Status FlagSet::Set(const std::string& name, const std::string& value) {
  const Match match = Find(WithDashes(name));
  if (match.flag == nullptr) {
    return InvalidArgument("there is no setting %s%s", name, DidYouMean(WithoutDashes(Nearest(WithDashes(name)))));
  }
  match.flag->given = {match.negated ? Opposite(value) : value};
  match.flag->source.clear();
  return Apply(*match.flag);
}

std::string FlagSet::Help() const {
  std::string text = absl::StrFormat("usage: %s [flags]\n%s\n\n", command_, summary_);
  for (const Flag& flag : flags_) {
    if (flag.hidden) continue;
    const std::string value = flag.value.empty() ? "" : " " + flag.value;
    const std::string names = absl::StrJoin(flag.names, ", ") + value;
    // Flags that leave no room beside them have their help on a line of its own.
    constexpr size_t kNameColumn = 44;
    absl::StrAppendFormat(&text, "  %-*s%s", kNameColumn, names, names.size() < kNameColumn ? "" : "\n");
    if (names.size() >= kNameColumn) text += std::string(kNameColumn + 2, ' ');
    text += flag.help + "\n";
  }
  const std::string& example = flags_.front().names.front();
  absl::StrAppendFormat(&text,
                        "\n--no-NAME turns a switch off. Every flag can stand in the environment as ENGINE_<FLAG> (%s "
                        "for %s) and in the\n"
                        "file of --config (%s: VALUE). The command line beats the environment, which beats the file.\n",
                        EnvironmentName(example), example, WithoutDashes(example));
  return text;
}

}  // namespace engine

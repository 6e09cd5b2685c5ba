// The flags of one verb. Each can stand on the command line, in the environment as ENGINE_<FLAG>, and in the YAML file
// that --config names; the first of these three that has it wins.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/flag_value.h"
#include "core/base/status.h"

namespace engine {

struct FlagText {
  std::string_view names;  // "--max-tokens,-n,--predict": messages use the first, the others are aliases
  std::string_view value;  // what --help shows for the value: "N"; "KEY ..." takes several: --api-key A B
  std::string_view help;
  bool hidden = false;  // there to be refused with a reason: not in --help, not suggested, not in the environment
};

class FlagSet {
 public:
  // For --help: the command before its flags ("engine run [MODEL]"), and what it does.
  FlagSet(std::string_view command, std::string_view summary) : command_(command), summary_(summary) {}

  // A flag that writes `target`, which must outlive the set and keeps its value when the flag is absent.
  template <typename T>
  void Add(const FlagText& text, T& target) {
    AddReader(text, [&target](const std::string& value) { return ReadValue(value, target); });
  }
  // Values of a list replace the ones it starts with.
  template <typename T>
  void Add(const FlagText& text, std::vector<T>& target) {
    AddReader(
        text, [&target](const std::string& value) { return ReadValue(value, target); }, [&target] { target.clear(); });
  }
  // A switch; --no-NAME turns it off.
  void Add(const FlagText& text, bool& target);
  void AddChoice(const FlagText& text, std::initializer_list<std::string_view> choices, std::string& target);
  // Any other type. `read` is called for each value given; its errors go on from the flag's name: "is 'x'; it must …".
  using Reader = std::function<absl::Status(const std::string& value)>;
  void AddReader(const FlagText& text, Reader read, std::function<void()> clear = nullptr);
  // The next argument without a dash in front, all further ones for a list; also a flag. Once the first is there, what
  // follows a flag of several values is one more of those.
  template <typename T>
  void AddPositional(const FlagText& text, T& target) {
    Add(text, target);
    positionals_.push_back(flags_.size() - 1);
  }

  // False: --help was asked for and printed. Errors are usage errors.
  absl::StatusOr<bool> Parse(std::span<const std::string> arguments);
  // Applies once more what Parse found, over targets that have got other values since.
  absl::Status ApplyAgain();
  // Sets one flag now; the dashes in front of its name may be left out.
  absl::Status Set(const std::string& name, const std::string& value);

  // An error about what the flags wrote, as a usage error; where it begins with a target's name ("max_tokens is 0"), with
  // the flag's instead.
  absl::Status UsageErrorOf(const absl::Status& error);

  // After Parse: lines about variables of the environment that were probably meant for a flag of this verb. Of values
  // nothing is said: they may be keys.
  std::vector<std::string> MistypedVariables() const;

  std::string Help() const;

 private:
  struct Flag {
    std::vector<std::string> names;
    std::string value;  // empty: a switch
    std::string help;
    bool hidden = false;
    Reader read;
    std::function<void()> clear;
    std::vector<std::string> given;
    std::string source;  // of `given`, for messages: " (from ENGINE_SEED)"

    // Calls body(name, negated) for each name, and for --no-NAME of a switch.
    template <typename Body>
    void ForEachName(const Body& body) const;
  };
  struct Match {
    Flag* flag = nullptr;
    bool negated = false;
  };

  Match Find(std::string_view name);
  std::string Nearest(const std::string& name) const;  // that was probably meant; may be empty
  std::string CommandName() const;                     // without what follows it
  absl::StatusOr<Match> Require(const std::string& name, const std::string& source);
  absl::Status TakeCommandLine(std::span<const std::string> arguments);
  absl::Status TakePositional(const std::string& argument, size_t index);
  bool IsOneMoreOf(const Flag* several) const;
  void TakeEnvironment();
  absl::Status TakeConfigFile();
  static absl::Status Apply(Flag& flag);

  std::string command_;
  std::string summary_;
  std::vector<Flag> flags_;
  std::vector<size_t> positionals_;  // indices into flags_
  std::string config_path_;
  bool help_wanted_ = false;
};

}  // namespace engine

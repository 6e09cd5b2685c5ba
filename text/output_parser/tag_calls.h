// Calls whose parameters stand between tags (Qwen3-Coder, Seed, GLM, MiniMax, DeepSeek's DSML, …).
#pragma once

#include <string>

#include "text/output_parser/call_parser.h"

namespace engine {

// Values that a schema calls strings come as they are written; others are held until they are whole, and are strings
// unless they are JSON.
class TagCalls : public CallParser {
 public:
  TagCalls(const TagSyntax& syntax, const ParameterTypes& types) : syntax_(syntax), types_(types) {}

  // The tag around a call is left out at times.
  std::vector<std::string_view> openers() const override;

 private:
  enum class State {
    kSection,
    kCall,
    kName,
    kBegin,
    kParameter,
    kKey,
    kValueOpen,
    kValueBegin,
    kString,
    kHeld,
    kCallClose
  };

  Next Step(std::string_view rest, bool ended, DeltaWriter& out) override;
  void Cut(DeltaWriter& out) override;
  void Reset() override;

  Next ReadSection(std::string_view rest, bool ended);
  Next ReadName(std::string_view rest, bool ended);
  Next Begin(std::string_view rest, bool ended, DeltaWriter& out);
  Next ReadParameter(std::string_view rest, bool ended, DeltaWriter& out);
  Next ReadKey(std::string_view rest, bool ended);
  Next BeginValue(std::string_view rest, bool ended, DeltaWriter& out);
  Next ReadString(std::string_view rest, bool ended, DeltaWriter& out);
  Next ReadHeld(std::string_view rest, bool ended, DeltaWriter& out);
  Next ReadCallClose(std::string_view rest, bool ended);
  Next Go(size_t used, State state);
  // The value's end, with the line break before it.
  Found FindValueClose(std::string_view rest, bool ended, size_t& length) const;
  // Whether a value is null and nothing else.
  Match IsNull(std::string_view rest, bool ended) const;

  const TagSyntax syntax_;
  const ParameterTypes& types_;
  State state_ = State::kSection;
  std::string name_, key_;
  std::string value_;  // that is held
  ParameterType type_ = ParameterType::kUnknown;
  bool first_ = true;  // parameter of the call
};

}  // namespace engine

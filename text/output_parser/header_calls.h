// Calls whose name stands before the arguments (Mistral, Kimi, DeepSeek before V3.2, Gemma, pythonic lists, …).
#pragma once

#include <string>

#include "text/output_parser/call_parser.h"

namespace engine {

class HeaderCalls : public CallParser {
 public:
  HeaderCalls(const HeaderSyntax& syntax, const ParameterTypes& types)
      : syntax_(syntax), types_(types), reader_(*syntax.arguments) {}

  std::vector<std::string_view> openers() const override {
    return {syntax_.section_open.empty() ? syntax_.call_open : syntax_.section_open};
  }
  bool only_first() const override { return bare(); }

 private:
  enum class State { kSection, kCall, kName, kId, kNameEnd, kBegin, kArguments, kCallClose, kNext };

  Next Step(std::string_view rest, bool ended, DeltaWriter& out) override;
  void Reset() override;

  // A list like any other, unless it begins the answer and names functions that there are.
  bool bare() const { return syntax_.section_open == "["; }
  Next ExpectThen(std::string_view rest, std::string_view marker, bool ended, State state);
  Next ReadName(std::string_view rest, bool ended);
  Next ReadId(std::string_view rest);
  Next Begin(std::string_view rest, DeltaWriter& out);
  Next ReadArguments(std::string_view rest, bool ended, DeltaWriter& out);
  Next ReadCallClose(std::string_view rest, bool ended);
  Next ReadNext(std::string_view rest, bool ended);

  const HeaderSyntax syntax_;
  const ParameterTypes& types_;
  State state_ = State::kSection;
  LiteralReader reader_;
  std::string name_, id_;
};

}  // namespace engine

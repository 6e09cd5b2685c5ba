// Calls that are JSON objects (Hermes, Qwen, Llama 3, Mistral before v11, Granite, Cohere, …).
#pragma once

#include <string>

#include "text/output_parser/call_parser.h"

namespace engine {

class ObjectCalls : public CallParser {
 public:
  ObjectCalls(const ObjectSyntax& syntax, const ParameterTypes& types) : syntax_(syntax), types_(types) {}

  std::vector<std::string_view> openers() const override { return {syntax_.open}; }
  bool only_first() const override { return bare(); }

 private:
  enum class State { kOpen, kObjects, kObject, kKey, kColon, kValue, kComma, kAfterObject, kClose };

  Next Step(std::string_view rest, bool ended, DeltaWriter& out) override;
  void Reset() override;

  bool bare() const { return syntax_.open == "{"; }
  Next ReadOpen(std::string_view rest, bool ended);
  Next ReadKey(std::string_view rest, bool ended);
  Next ReadValue(std::string_view rest, bool ended, DeltaWriter& out);
  Next EndValue(DeltaWriter& out);
  Next EndArguments();
  Next EndCall(DeltaWriter& out);
  Next EndObject(DeltaWriter& out);
  Next ReadAfterObject(std::string_view rest, bool ended);
  Next ReadClose(std::string_view rest, bool ended);
  bool Begin(DeltaWriter& out);
  // Models mix the two usual names up.
  bool at_arguments() const { return syntax_.name_key.empty() || key_ == "arguments" || key_ == "parameters"; }
  Next Go(size_t used, State state);

  const ObjectSyntax syntax_;
  const ParameterTypes& types_;
  State state_ = State::kOpen;
  LiteralReader reader_{kJsonLiterals};
  bool in_array_ = false;
  std::string json_;      // of the key or value that is read
  bool streams_ = false;  // that value is passed on as it comes
  // Of the object that is read.
  std::string key_, name_, id_, arguments_;
  bool begun_ = false;  // the call is
};

}  // namespace engine

// What a request's functions expect of their parameters.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "text/output_parser/output_format.h"

namespace engine {

enum class ParameterType { kUnknown, kString, kStringOrNull, kOther };

class ParameterTypes {
 public:
  explicit ParameterTypes(std::span<const ToolFunction> functions);

  bool Knows(std::string_view function) const { return functions_.contains(function); }
  ParameterType Of(std::string_view function, std::string_view parameter) const;

 private:
  using Parameters = std::map<std::string, ParameterType, std::less<>>;
  std::map<std::string, Parameters, std::less<>> functions_;
};

}  // namespace engine

// Errors in the shapes that clients read.
#pragma once

#include <string>
#include <string_view>

namespace engine {

// status: of the answer; the error's type is its. param: the request's field that it is about; code: a word for programs
// ("model_not_found"); either may be empty.
using ErrorWriter = std::string (*)(int status, std::string_view message, std::string_view code,
                                    std::string_view param);

// OpenAI's: {"error": {"message", "type", "param", "code"}}, param and code null where they are empty.
std::string ErrorBody(int status, std::string_view message, std::string_view code, std::string_view param = "");

// Anthropic's, which has no place for param: {"type": "error", "error": {"type", "message", "details": {"error_code"}}},
// without details where the code is empty.
std::string AnthropicErrorBody(int status, std::string_view message, std::string_view code = "",
                               std::string_view param = "");

}  // namespace engine

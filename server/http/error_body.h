// Errors in the shape that OpenAI's clients read.
#pragma once

#include <string>
#include <string_view>

namespace engine {

// {"error": {"message", "type", "param", "code"}}. param: the request's field that it is about; code: a word for programs
// ("model_not_found"); either is null where it is empty.
std::string ErrorBody(std::string_view message, std::string_view type, std::string_view code,
                      std::string_view param = "");

}  // namespace engine

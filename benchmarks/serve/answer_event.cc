#include "benchmarks/serve/answer_event.h"

#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::json;

// The member, or null: events of other servers may have anything.
const Json& At(const Json& json, const char* key) {
  static const Json kNull;
  if (!json.is_object()) return kNull;
  const auto found = json.find(key);
  return found == json.end() ? kNull : *found;
}

bool HasText(const Json& json, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const Json& text = At(json, key);
    if (text.is_string() && !text.get_ref<const std::string&>().empty()) return true;
  }
  return false;
}

int64_t Count(const Json& usage, const char* key) {
  const Json& count = At(usage, key);
  return count.is_number_integer() ? count.get<int64_t>() : -1;
}

std::string MessageOf(const Json& error) {
  const Json& message = error.is_string() ? error : At(error, "message");
  return message.is_string() ? message.get<std::string>() : error.dump();
}

}  // namespace

AnswerEvent ReadAnswerEvent(std::string_view data) {
  AnswerEvent event;
  if (data == "[DONE]") {
    event.is_done = true;
    return event;
  }
  const Json json = Json::parse(data, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    event.error = "an event is not JSON: " + std::string(data.substr(0, 200));
    return event;
  }
  if (const Json& error = At(json, "error"); !error.is_null()) event.error = MessageOf(error);
  for (const Json& choice : At(json, "choices")) {
    const Json& delta = At(choice, "delta");
    event.has_text = event.has_text || HasText(choice, {"text"}) ||
                     HasText(delta, {"content", "reasoning", "reasoning_content"}) || !At(delta, "tool_calls").empty();
  }
  const Json& usage = At(json, "usage");
  event.prompt_tokens = Count(usage, "prompt_tokens");
  event.output_tokens = Count(usage, "completion_tokens");
  return event;
}

std::string ErrorText(std::string_view body) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const Json& error = At(json, "error");
  return error.is_null() ? std::string(body.substr(0, 200)) : MessageOf(error);
}

}  // namespace engine

// What one event of a streamed answer says, in OpenAI's form of chats and completions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace engine {

struct AnswerEvent {
  bool is_done = false;        // "[DONE]"
  bool has_text = false;       // content, reasoning or a tool call
  int64_t prompt_tokens = -1;  // of the answer so far, where the event has its usage
  int64_t output_tokens = -1;
  std::string error;  // the server's message
};

AnswerEvent ReadAnswerEvent(std::string_view data);

// The message of an error's body, or the beginning of the body.
std::string ErrorText(std::string_view body);

}  // namespace engine

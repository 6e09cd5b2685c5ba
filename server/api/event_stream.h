// Server-sent events as OpenAI's chats and completions write them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "server/api/answer.h"

namespace engine {

// One line of JSON.
std::string Event(const Json& data);

// Events of one answer that differ in one text alone, as most of a stream's do: the rest is written once per choice.
class TextEvents {
 public:
  // Whether `update` adds nothing but text, and the request asks for nothing else that changes from event to event.
  static bool Cover(const ApiRequest& request, const GenerationUpdate& update);

  // make: the event's data with its argument as the text; called for the first event of a choice.
  std::string Write(int choice, std::string_view text, const std::function<Json(std::string_view text)>& make);

 private:
  struct Frame {
    std::string before, after;  // the text
  };

  std::map<int, Frame> frames_;  // by choice
};

// The end of a stream: the usage where it is asked for, in a chunk that begins as `head`; or an error.
std::string UsageThenDone(const Answer& answer, Json head);
std::string ErrorThenDone(const absl::Status& error);

}  // namespace engine

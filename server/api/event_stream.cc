#include "server/api/event_stream.h"

#include <utility>

#include "server/api/usage_json.h"

namespace engine {
namespace {

constexpr char kDone[] = "data: [DONE]\n\n";

}  // namespace

std::string Event(const Json& data) { return "data: " + JsonText(data) + "\n\n"; }

bool TextEvents::Cover(const ApiRequest& request, const GenerationUpdate& update) {
  const bool is_text = !update.text.empty() && update.reasoning.empty() && update.tool_calls.empty();
  return is_text && update.finish == Finish::kNone && !request.logprobs && !request.return_token_ids &&
         !request.continuous_usage;
}

std::string TextEvents::Write(int choice, std::string_view text,
                              const std::function<Json(std::string_view text)>& make) {
  const auto [found, is_first] = frames_.try_emplace(choice);
  auto& [before, after] = found->second;
  if (is_first) {
    constexpr std::string_view kPlace = "\1the text\1";  // which nothing else in an event is
    const std::string event = Event(make(kPlace)), place = JsonText(kPlace);
    const size_t begin = event.find(place);
    before = event.substr(0, begin);
    after = event.substr(begin + place.size());
  }
  std::string event;
  event.reserve(before.size() + text.size() + after.size() + 16);
  event += before;
  AppendText(text, event);
  event += after;
  return event;
}

std::string UsageThenDone(const Answer& answer, Json head) {
  if (!answer.request.include_usage) return kDone;
  head["choices"] = Json::array();
  head["usage"] = Usage(answer);
  return Event(head) + kDone;
}

std::string ErrorThenDone(const absl::Status& error) { return "data: " + ErrorJson(error) + "\n\n" + kDone; }

}  // namespace engine

#include "server/api/event_stream.h"

#include <utility>

#include "server/api/usage_json.h"

namespace engine {
namespace {

constexpr char kDone[] = "data: [DONE]\n\n";

}  // namespace

std::string Event(const Json& data) { return "data: " + Dump(data) + "\n\n"; }

std::string UsageThenDone(const Answer& answer, Json head) {
  if (!answer.request.include_usage) return kDone;
  head["choices"] = Json::array();
  head["usage"] = Usage(answer);
  return Event(head) + kDone;
}

std::string ErrorThenDone(const absl::Status& error) { return "data: " + ErrorJson(error) + "\n\n" + kDone; }

}  // namespace engine

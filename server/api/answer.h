// An answer as it grows: what a request's formats show of it.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "server/api/api_request.h"
#include "server/api/error_json.h"

namespace engine {

// One of the answers to a request: answer `index % n` to prompt `index / n`.
struct Choice {
  int index = 0;
  const RenderedPrompt* prompt = nullptr;
  Generation generation;  // so far
  TimePoint submitted{}, first_token{}, last_token{};
  bool is_new = true;  // nothing of it has been sent
};

struct Answer {
  ApiRequest request;
  std::string id;  // without the endpoint's prefix
  int64_t created = 0;
  std::string model;        // as the client calls it
  std::string fingerprint;  // of program and model
  const Engine* engine = nullptr;
  std::deque<RenderedPrompt> prompts;
  std::deque<Choice> choices;
};

// How an endpoint writes answers. Calls for one answer come one after another.
class AnswerFormat {
 public:
  virtual ~AnswerFormat() = default;

  // The body of an answer that is not streamed.
  virtual Json Whole(const Answer& answer) = 0;

  // Server-sent events for what `update` adds to `choice`, whose generation has it already; empty: nothing yet.
  virtual std::string Events(const Answer& answer, const Choice& choice, const GenerationUpdate& update) = 0;
  // Those after the last choice has ended.
  virtual std::string LastEvents(const Answer& answer) = 0;
  // Those that end an answer with an error.
  virtual std::string ErrorEvents(const absl::Status& error) = 0;
  // The body of an error before anything is sent: OpenAI's, unless the endpoint's clients read another.
  virtual std::string ErrorBody(const absl::Status& error) { return ErrorJson(error); }
};

}  // namespace engine

// What the handlers of the endpoints share.
#pragma once

#include "server/api/answer.h"
#include "server/api/api.h"

namespace engine {

class Service {
 public:
  explicit Service(ApiOptions options);

  // The model of that name; empty: the first.
  absl::StatusOr<const ServedModel*> Find(const std::string& name) const;
  const std::vector<ServedModel>& models() const { return options_.models; }
  int64_t created() const { return created_; }

  // The model that a body names.
  absl::StatusOr<const ServedModel*> ModelOf(const Json& body) const;

  // A request with the model's defaults, to be read into.
  ApiRequest NewRequest(const ServedModel& model) const;

  // Everything but the prompts and choices.
  Answer NewAnswer(const ServedModel& model, const HttpRequest& http, ApiRequest request) const;

 private:
  const ApiOptions options_;
  const int64_t created_;  // when the server started, in seconds since 1970
};

// The request's body as JSON.
absl::StatusOr<Json> ReadBody(const HttpRequest& http);

}  // namespace engine

// What the handlers of the endpoints share.
#pragma once

#include <map>
#include <memory>

#include "server/api/answer.h"
#include "server/api/api.h"
#include "server/http/write_batch.h"

namespace engine {

class Service {
 public:
  explicit Service(ApiOptions options);

  const std::vector<ServedModel>& models() const { return options_.models; }
  const std::vector<std::shared_ptr<TrafficSplit>>& splits() const { return options_.splits; }
  // By name or alias. Null: there is none.
  const ServedModel* FindModel(const std::string& name) const;
  TrafficSplit* FindSplit(const std::string& name) const;
  // The error that names what there is.
  absl::Status UnknownModel(const std::string& name) const;
  int64_t created() const { return created_; }

  // The model that a body names, or that its user has of the split it names; the first where it names none.
  absl::StatusOr<const ServedModel*> ModelOf(const Json& body) const;

  // Where a request that `model` answers is counted, if its body names a split; else null.
  std::shared_ptr<RouteStats> RouteOf(const Json& body, const ServedModel& model) const;

  // For requests that are no ApiRequest.
  FieldPolicy PolicyOf(std::vector<std::string>& warnings) const { return {options_.lenient, &warnings}; }
  // A request with the model's defaults, to be read into.
  ApiRequest NewRequest(const ServedModel& model) const;

  // What the engine's output thread writes; the engine is one of a model.
  std::shared_ptr<WriteBatch> WritesOf(const Engine& engine) const { return writes_.at(&engine); }

  // Everything but the prompts and choices.
  Answer NewAnswer(const ServedModel& model, const HttpRequest& http, ApiRequest request) const;

 private:
  const ApiOptions options_;
  const int64_t created_;                                        // when the server started, in seconds since 1970
  std::map<const Engine*, std::shared_ptr<WriteBatch>> writes_;  // shared with the engines
};

// The request's body as JSON.
absl::StatusOr<Json> ReadBody(const HttpRequest& http);

}  // namespace engine

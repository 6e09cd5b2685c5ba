#include "server/api/service.h"

#include <chrono>
#include <functional>

#include "core/base/json.h"
#include "server/api/error_json.h"

namespace engine {
namespace {

// Prompts of a million token ids fit; the listener limits bytes.
constexpr JsonLimits kBodyLimits = {.max_bytes = size_t{256} << 20, .max_depth = 64, .max_values = 1 << 22};

int64_t UnixSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Service::Service(ApiOptions options) : options_(std::move(options)), created_(UnixSeconds()) {}

absl::StatusOr<const ServedModel*> Service::Find(const std::string& name) const {
  if (name.empty()) return &options_.models.front();
  std::string known;
  for (const ServedModel& model : options_.models) {
    if (model.name == name) return &model;
    known += (known.empty() ? "" : ", ") + model.name;
  }
  return WithDetails(NotFound("model is \"%s\"; this server has %s", name, known), "model", "model_not_found");
}

absl::StatusOr<const ServedModel*> Service::ModelOf(const Json& body) const {
  RETURN_IF_ERROR(MustBeObject({"the body", body}));
  std::string name;
  const auto found = body.find("model");
  if (found != body.end() && !found->is_null()) RETURN_IF_ERROR(Get({"model", *found}, name));
  return Find(name);
}

ApiRequest Service::NewRequest(const ServedModel& model) const {
  ApiRequest request{.lenient = options_.lenient};
  request.sampling() = model.engine->model().default_sampling;
  return request;
}

Answer Service::NewAnswer(const ServedModel& model, const HttpRequest& http, ApiRequest request) const {
  Answer answer{.id = request.request_id.empty() ? http.id : request.request_id,
                .created = UnixSeconds(),
                .model = request.model.empty() ? model.name : request.model,
                .engine = model.engine};
  const size_t hash = std::hash<std::string>()(model.engine->model().path);
  answer.fingerprint = absl::StrFormat("engine-%s-%08x", options_.version, hash & 0xFFFFFFFF);
  answer.request = std::move(request);
  return answer;
}

absl::StatusOr<Json> ReadBody(const HttpRequest& http) {
  if (http.body.empty()) return InvalidArgument("the body is empty; it must be a JSON object");
  return ParseJson(http.body, "the body", kBodyLimits);
}

}  // namespace engine

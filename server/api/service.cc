#include "server/api/service.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include "absl/strings/str_join.h"
#include "core/base/json.h"
#include "server/api/error_json.h"
#include "server/http/ascii.h"

namespace engine {
namespace {

// Prompts of a million token ids fit; the listener limits bytes.
constexpr JsonLimits kBodyLimits = {.max_bytes = size_t{256} << 20, .max_depth = 64, .max_values = 1 << 22};

int64_t UnixSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// Who asks, by the first of these fields that a body has. OpenAI's come before the engine's own; a split sends the same
// user to the same model.
std::string StickyKey(const Json& body) {
  const auto text = [](const Json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
  };
  for (const char* name : {"user", "safety_identifier", "cache_salt", "prompt_cache_key"}) {
    if (std::string key = text(body, name); !key.empty()) return key;
  }
  const auto metadata = body.find("metadata");  // Anthropic's
  return metadata != body.end() && metadata->is_object() ? text(*metadata, "user_id") : "";
}

}  // namespace

Service::Service(ApiOptions options) : options_(std::move(options)), created_(UnixSeconds()) {
  for (const ServedModel& model : options_.models) {
    if (model.engine == nullptr || writes_.contains(model.engine)) continue;
    const auto writes = writes_[model.engine] = std::make_shared<WriteBatch>();
    model.engine->SetAfterUpdates([writes] { writes->Send(); });
  }
}

const ServedModel* Service::FindModel(const std::string& name) const {
  for (const auto member : {&ServedModel::name, &ServedModel::alias}) {
    const auto found = std::ranges::find(options_.models, name, member);
    if (found != options_.models.end()) return &*found;
  }
  return nullptr;
}

TrafficSplit* Service::FindSplit(const std::string& name) const {
  const auto found = std::ranges::find(options_.splits, name, [](const auto& split) { return split->name(); });
  return found == options_.splits.end() ? nullptr : found->get();
}

absl::Status Service::UnknownModel(const std::string& name) const {
  std::vector<std::string> known;
  for (const ServedModel& model : options_.models) known.push_back(model.name);
  for (const auto& split : options_.splits) known.push_back(split->name());
  absl::Status unknown = NotFound("model is \"%s\"; this server has %s", name, absl::StrJoin(known, ", "));
  return WithCode("model_not_found", About("model", std::move(unknown)));
}

absl::StatusOr<const ServedModel*> Service::ModelOf(const Json& body) const {
  RETURN_IF_ERROR(MustBeObject({"", body}));
  std::string name;
  const auto found = body.find("model");
  if (found != body.end() && !found->is_null()) RETURN_IF_ERROR(Get({"model", *found}, name));
  if (name.empty()) return &options_.models.front();
  if (const ServedModel* model = FindModel(name)) return model;
  TrafficSplit* split = FindSplit(name);
  if (split == nullptr) return UnknownModel(name);
  return FindModel(split->shares()[split->Choose(StickyKey(body))].model);
}

std::shared_ptr<RouteStats> Service::RouteOf(const Json& body, const ServedModel& model) const {
  const auto name = body.find("model");
  TrafficSplit* split = name == body.end() || !name->is_string() ? nullptr : FindSplit(name->get<std::string>());
  return split == nullptr ? nullptr : split->StatsOf(model.name);
}

ApiRequest Service::NewRequest(const ServedModel& model) const {
  ApiRequest request{.lenient = options_.lenient};
  request.sampling() = model.engine->model().default_sampling;
  return request;
}

Answer Service::NewAnswer(const ServedModel& model, const HttpRequest& http, ApiRequest request) const {
  Answer answer{.id = request.request_id.empty() ? http.id : request.request_id,
                .created = UnixSeconds(),
                .model = model.name,
                .engine = model.engine};
  const size_t hash = std::hash<std::string>()(model.engine->model().path);
  answer.fingerprint = absl::StrFormat("engine-%s-%08x", options_.version, hash & 0xFFFFFFFF);
  answer.request = std::move(request);
  if (http.api_key >= 0) answer.request.generation.tenant = absl::StrFormat("key %d", http.api_key);
  return answer;
}

absl::StatusOr<Json> ReadBody(const HttpRequest& http) {
  const std::string_view coding = http.Header("content-encoding");
  if (!coding.empty() && !EqualIgnoringCase(coding, "identity")) {
    return InvalidArgument("the body is encoded (Content-Encoding: %s), which is not supported; send it as it is",
                           coding);
  }
  if (http.body.empty()) return InvalidArgument("the body is empty; it must be a JSON object");
  return ParseJson(http.body, "the body", kBodyLimits);
}

}  // namespace engine

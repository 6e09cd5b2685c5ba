#include "server/api/models_route.h"

#include <algorithm>
#include <limits>

#include "engine/chat_context.h"

namespace engine {
namespace {

// Whether chats may say enable_thinking.
bool HasThinkingSwitch(const Engine& engine) { return ReadsVariable(engine.model().chat_template, "enable_thinking"); }

Json ModelJson(const Service& service, const ServedModel& model) {
  return {{"id", model.name},
          {"object", "model"},
          {"created", service.created()},
          {"owned_by", "engine"},
          {"root", model.engine->model().path},
          {"parent", nullptr},
          {"max_model_len", model.engine->model().max_model_len},
          {"thinking_switch", HasThinkingSwitch(*model.engine)}};
}

Json SplitJson(const Service& service, const TrafficSplit& split) {
  Json shares = Json::object();
  int max_model_len = std::numeric_limits<int>::max();
  bool has_thinking_switch = true;
  for (const TrafficSplit::Share& share : split.shares()) {
    const Engine& engine = *service.FindModel(share.model)->engine;
    shares[share.model] = share.weight;
    max_model_len = std::min(max_model_len, engine.model().max_model_len);
    has_thinking_switch = has_thinking_switch && HasThinkingSwitch(engine);
  }
  return {{"id", split.name()},
          {"object", "model"},
          {"created", service.created()},
          {"owned_by", "engine"},
          {"root", nullptr},
          {"parent", nullptr},
          {"max_model_len", max_model_len},
          {"thinking_switch", has_thinking_switch},
          {"shares", std::move(shares)}};
}

}  // namespace

Json ListModels(const Service& service) {
  Json data = Json::array();
  for (const ServedModel& model : service.models()) data.push_back(ModelJson(service, model));
  for (const auto& split : service.splits()) data.push_back(SplitJson(service, *split));
  return {{"object", "list"}, {"data", std::move(data)}};
}

absl::StatusOr<Json> DescribeModel(const Service& service, const std::string& name) {
  if (const ServedModel* model = service.FindModel(name)) return ModelJson(service, *model);
  if (const TrafficSplit* split = service.FindSplit(name)) return SplitJson(service, *split);
  return service.UnknownModel(name);
}

}  // namespace engine

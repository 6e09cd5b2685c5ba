#include "server/api/models_route.h"

#include <algorithm>
#include <limits>

namespace engine {
namespace {

Json ModelJson(const Service& service, const ServedModel& model) {
  return {{"id", model.name},
          {"object", "model"},
          {"created", service.created()},
          {"owned_by", "engine"},
          {"root", model.engine->model().path},
          {"parent", nullptr},
          {"max_model_len", model.engine->model().max_model_len}};
}

Json SplitJson(const Service& service, const TrafficSplit& split) {
  Json shares = Json::object();
  int max_model_len = std::numeric_limits<int>::max();
  for (const TrafficSplit::Share& share : split.shares()) {
    shares[share.model] = share.weight;
    max_model_len = std::min(max_model_len, service.FindModel(share.model)->engine->model().max_model_len);
  }
  return {{"id", split.name()}, {"object", "model"}, {"created", service.created()},   {"owned_by", "engine"},
          {"root", nullptr},    {"parent", nullptr}, {"max_model_len", max_model_len}, {"shares", std::move(shares)}};
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

#include "server/api/models_route.h"

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

}  // namespace

Json ListModels(const Service& service) {
  Json data = Json::array();
  for (const ServedModel& model : service.models()) data.push_back(ModelJson(service, model));
  return {{"object", "list"}, {"data", std::move(data)}};
}

absl::StatusOr<Json> DescribeModel(const Service& service, const std::string& name) {
  ASSIGN_OR_RETURN(const ServedModel* model, service.Find(name));
  return ModelJson(service, *model);
}

}  // namespace engine

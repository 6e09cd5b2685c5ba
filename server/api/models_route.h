// /v1/models.
#pragma once

#include "server/api/service.h"

namespace engine {

Json ListModels(const Service& service);

// One model, as the list has it.
absl::StatusOr<Json> DescribeModel(const Service& service, const std::string& name);

}  // namespace engine

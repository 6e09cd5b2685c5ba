// Where compiled kernels lie: beside the program, whether installed or just built.
#pragma once

#include <string>

#include "core/base/status.h"

namespace engine::gpu {

// lib/engine of the nearest folder above the running program that has one. NotFound says where it looked.
absl::StatusOr<std::string> ModuleFolder();

}  // namespace engine::gpu

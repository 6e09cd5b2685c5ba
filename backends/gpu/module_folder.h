// Where compiled kernels lie: lib/engine of a build or of an installation.
#pragma once

#include <filesystem>
#include <string>

#include "core/base/status.h"

namespace engine::gpu {

struct ModulePlaces {
  std::filesystem::path named;      // by the user; empty: by nobody
  std::filesystem::path program;    // the one that runs
  std::filesystem::path installed;  // where installing puts them
};

// The named folder; else lib/engine beside the program or above it, the nearest that holds kernels; else the installed one.
// NotFound says where it looked.
absl::StatusOr<std::string> FindModuleFolder(const ModulePlaces& places);

// For this process: ENGINE_GPU_MODULES names a folder.
absl::StatusOr<std::string> ModuleFolder();

}  // namespace engine::gpu

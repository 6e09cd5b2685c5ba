#include "backends/gpu/module_folder.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace engine::gpu {
namespace {

// One of each kind of device. Others may have folders of that name, too.
constexpr std::array kSigns = {"libengine_simt32.so", "cuda/add.fatbin", "rocm"};

bool HoldsKernels(const std::filesystem::path& folder) {
  return std::ranges::any_of(kSigns, [&](const char* sign) {
    std::error_code error;  // what cannot be read is not there
    return std::filesystem::exists(folder / sign, error);
  });
}

}  // namespace

absl::StatusOr<std::string> FindModuleFolder(const ModulePlaces& places) {
  if (!places.named.empty()) {
    if (HoldsKernels(places.named)) return places.named.string();
    return NotFound("ENGINE_GPU_MODULES is %s, which holds no GPU kernels (%s, %s or %s)", places.named.string(),
                    kSigns[0], kSigns[1], kSigns[2]);
  }
  for (std::filesystem::path folder = places.program.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    std::filesystem::path modules = folder / "lib" / "engine";
    if (HoldsKernels(modules)) return modules.string();
  }
  if (HoldsKernels(places.installed)) return places.installed.string();
  return NotFound(
      "no GPU kernels in lib/engine beside or above %s, nor in %s; ENGINE_GPU_MODULES can name their folder",
      places.program.string(), places.installed.string());
}

absl::StatusOr<std::string> ModuleFolder() {
  const char* named = std::getenv("ENGINE_GPU_MODULES");
  std::error_code error;  // without the program's path, only the others are left
  return FindModuleFolder({.named = named == nullptr ? "" : named,
                           .program = std::filesystem::read_symlink("/proc/self/exe", error),
                           .installed = ENGINE_INSTALLED_MODULES});
}

}  // namespace engine::gpu

#include "backends/gpu/module_folder.h"

#include <filesystem>

namespace engine::gpu {

absl::StatusOr<std::string> ModuleFolder() {
  std::error_code error;  // what cannot be read is not there
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  for (std::filesystem::path folder = program.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    std::filesystem::path modules = folder / "lib" / "engine";
    if (std::filesystem::is_directory(modules, error)) return modules.string();
  }
  return NotFound("no folder lib/engine with GPU kernels lies beside or above %s", program.string());
}

}  // namespace engine::gpu

#include "core/base/shared_library.h"

#include <dlfcn.h>

namespace engine {

absl::StatusOr<SharedLibrary> SharedLibrary::Open(std::span<const std::string> names) {
  std::string reason;
  for (const std::string& name : names) {
    SharedLibrary library;
    library.name_ = name;
    library.handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library.handle_ != nullptr) return library;
    if (reason.empty()) reason = dlerror();
  }
  return absl::NotFoundError(reason);
}

void* SharedLibrary::Find(const char* function) const { return dlsym(handle_, function); }

absl::Status FunctionLoader::status() const {
  if (missing_.empty()) return absl::OkStatus();
  return Unimplemented("%s has no function %s: it is too old for this engine", library_.name(), missing_);
}

}  // namespace engine

#include "tests/unit/gpu/simt_library.h"

#include <dlfcn.h>

#include <array>

#include "core/base/check.h"

namespace engine {

SimtLibrary::SimtLibrary(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) std::fputs(dlerror(), stderr);
  ENGINE_CHECK(handle_ != nullptr);
  launch_ = reinterpret_cast<decltype(launch_)>(dlsym(handle_, "engine_simt_launch"));
  memory_ = reinterpret_cast<decltype(memory_)>(dlsym(handle_, "engine_simt_memory"));
  ENGINE_CHECK(launch_ != nullptr && memory_ != nullptr);
}

SimtLibrary::~SimtLibrary() { dlclose(handle_); }

std::string SimtLibrary::Launch(const SimtLaunch& launch) const {
  std::array<char, 512> error{};
  return launch_(&launch, error.data(), error.size()) == 0 ? std::string() : std::string(error.data());
}

SimtKernel SimtLibrary::Find(const char* kernel) const {
  const auto found = reinterpret_cast<SimtKernel>(dlsym(handle_, kernel));
  ENGINE_CHECK(found != nullptr);
  return found;
}

}  // namespace engine

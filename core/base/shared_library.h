// A library that is opened while the program runs, because most machines do not have it.
#pragma once

#include <span>
#include <string>

#include "core/base/status.h"

namespace engine {

// Stays loaded until the process ends: drivers and thread runtimes do not like to be unloaded.
class SharedLibrary {
 public:
  // The first of `names` that is there. NotFound has the loader's reason for the first.
  static absl::StatusOr<SharedLibrary> Open(std::span<const std::string> names);

  const std::string& name() const { return name_; }
  // Null where it has no such function.
  void* Find(const char* function) const;

 private:
  std::string name_;
  void* handle_ = nullptr;
};

// Fills function pointers and remembers what is missing.
class FunctionLoader {
 public:
  explicit FunctionLoader(const SharedLibrary& library) : library_(library) {}

  template <typename Function>
  void Load(const std::string& name, Function*& function) {
    function = reinterpret_cast<Function*>(library_.Find(name.c_str()));
    if (function == nullptr && missing_.empty()) missing_ = name;
  }
  // Null where it is missing.
  template <typename Function>
  void LoadIfThere(const std::string& name, Function*& function) const {
    function = reinterpret_cast<Function*>(library_.Find(name.c_str()));
  }

  // Unimplemented names the first function that was missing.
  absl::Status status() const;

 private:
  const SharedLibrary& library_;
  std::string missing_;
};

}  // namespace engine

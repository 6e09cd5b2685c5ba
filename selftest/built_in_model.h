// A small random llama in a directory of its own, so that a device can be tested where there is no model.
#pragma once

#include <memory>
#include <string>

#include "core/base/dtype.h"
#include "core/base/status.h"

namespace engine {

class BuiltInModel {
 public:
  // bf16, or w8: integers as compressed-tensors writes them.
  static absl::StatusOr<std::unique_ptr<BuiltInModel>> Create(DType weights);
  ~BuiltInModel();
  BuiltInModel(const BuiltInModel&) = delete;
  BuiltInModel& operator=(const BuiltInModel&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit BuiltInModel(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace engine

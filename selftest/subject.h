// A model on a device, run by hand with exact numerics.
#pragma once

#include <memory>
#include <vector>

#include "engine/open_model.h"
#include "selftest/self_test.h"

namespace engine {

class Subject {
 public:
  struct Choice {
    std::string device;
    std::string model;
    int threads = 0;
    int tensor_parallel_size = 1;
    bool guards = false;  // of a GPU: DeviceOptions
  };
  static absl::StatusOr<std::unique_ptr<Subject>> Create(const Choice& choice);

  const DeviceInfo& device() const { return opened_.device().info(); }

  static constexpr int kPromptTokens = 40;  // more than a block of the cache, and than the rows of a tile

  // Of each token of a random prompt, read `chunk` at a time.
  absl::StatusOr<std::vector<float>> Logits(int chunk);

  // What three requests get that run at once: greedy, drawn, drawn with penalties.
  absl::StatusOr<std::vector<std::vector<int32_t>>> Answers();

 private:
  OpenedModel opened_;
  LoadedModel loaded_;
};

}  // namespace engine

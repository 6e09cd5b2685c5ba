// `engine pack`: a model as one file that is mapped and used in place (core/weights/packed_file.h).
#pragma once

#include <string>

#include "engine/engine.h"

namespace engine {

// Writes options.model, with its weights in the layouts that the kernels of options.device take here.
absl::Status PackModel(const EngineOptions& options, const std::string& output);

// Reads every byte of a packed file and compares checksums, which loading does not.
absl::Status VerifyPackedModel(const std::string& path);

}  // namespace engine

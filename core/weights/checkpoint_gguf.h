// Opens a GGUF model: one file, or a set of parts named "model-00001-of-00003.gguf".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/weights/checkpoint.h"
#include "core/weights/directory_listing.h"

namespace engine {

// The models of a directory, each by the path of its file or first part; sidecars (vision projectors and draft heads,
// "mmproj-*" and "mtp-*") are no models.
std::vector<std::string> GgufModels(const DirectoryListing& listing);

// `path` is the file or any part of the set.
absl::StatusOr<CheckpointContents> OpenGguf(const std::string& path);

// Checkpoint::config() of a GGUF file.
nlohmann::ordered_json GgufConfig(const GgufMetadata& metadata);

}  // namespace engine

// Opens a Hugging Face directory: config.json and safetensors, in one file or in shards with an index.
#pragma once

#include <string>

#include "core/weights/checkpoint.h"
#include "core/weights/directory_listing.h"

namespace engine {

// True for config.json next to at least one .safetensors file.
bool HoldsHuggingFaceModel(const DirectoryListing& listing);

absl::StatusOr<CheckpointContents> OpenHuggingFace(const DirectoryListing& listing);

// A file of the directory other than the weights; at most 128 MiB, four times the largest tokenizer.json seen.
absl::StatusOr<MappedFile> OpenSideFile(const std::string& directory, const std::string& name);

// The index of a sharded model: {"weight_map": {tensor: shard}}. Separate from the files so that it can be fuzzed.
struct ShardEntry {
  std::string tensor;
  std::string shard;
};
absl::StatusOr<std::vector<ShardEntry>> ParseShardIndex(std::string_view text);

}  // namespace engine

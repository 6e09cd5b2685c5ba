// Opens a file of `engine pack`: a checkpoint whose tensors are packed and whose side files lie inside.
#pragma once

#include <string>
#include <vector>

#include "core/weights/checkpoint.h"

namespace engine {

absl::StatusOr<CheckpointContents> OpenPacked(MappedFile file);

// What a packed file has to carry of a checkpoint besides its tensors: the keys of a GGUF file, or the JSON files and
// templates of a Hugging Face directory.
struct CopiedFile {
  std::string name;
  std::string bytes;
};
absl::StatusOr<std::vector<CopiedFile>> CopySideFiles(const Checkpoint& checkpoint);

}  // namespace engine

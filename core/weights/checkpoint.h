// A model as its author published it: tensors, configuration and side files, whichever format holds them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/mapped_file.h"
#include "core/base/status.h"
#include "core/weights/gguf.h"
#include "core/weights/packed_file.h"
#include "core/weights/source_tensor.h"
#include "nlohmann/json.hpp"

namespace engine {

enum class CheckpointFormat { kGguf, kHuggingFace };

// What a format's opener fills in.
struct CheckpointContents {
  CheckpointFormat format;
  std::string path;
  std::vector<MappedFile> files;      // own the bytes that everything below borrows
  std::vector<SourceTensor> tensors;  // names are unique
  std::vector<RawTensor> raw;
  nlohmann::ordered_json config;
  std::optional<GgufMetadata> gguf;
  std::optional<std::vector<EmbeddedFile>> embedded;  // side files inside the file itself: an `engine pack` file's
};

// Safe to share between threads but for ReleaseTexts; owns the mappings that its tensors borrow.
class Checkpoint {
 public:
  // `path` is a .gguf file (any part of a split set), a directory with config.json and safetensors, a directory that holds
  // one GGUF file or set, or a file of `engine pack`. Errors start with the path of the file at fault.
  static absl::StatusOr<std::unique_ptr<Checkpoint>> Open(const std::string& path);

  // Of a packed file: the format of the checkpoint it was made from.
  CheckpointFormat format() const { return contents_.format; }
  bool packed() const { return contents_.embedded.has_value(); }
  const std::string& path() const { return contents_.path; }
  const std::vector<SourceTensor>& tensors() const { return contents_.tensors; }

  // The tensor, or null; for weights that a model may lack (a tied head, a bias).
  const SourceTensor* Find(std::string_view name) const;
  // The tensor, or an error that says what is wrong: absent, or of a type we cannot read.
  absl::StatusOr<const SourceTensor*> Require(std::string_view name) const;

  // Hugging Face: config.json as read, always an object. GGUF: every scalar and every array of up to 1024 items by its
  // key ("llama.block_count"), without the tokenizer's arrays. Texts may be invalid UTF-8: dump() with a handler.
  const nlohmann::ordered_json& config() const { return contents_.config; }

  // Every key of a GGUF file, the tokenizer's arrays included (of the first part, which has them all); null otherwise.
  const GgufMetadata* gguf() const { return contents_.gguf ? &*contents_.gguf : nullptr; }

  // The text of tokenizer.json, generation_config.json, chat_template.jinja … of a Hugging Face directory or a packed
  // file. NotFound names the file, so that callers can tell an optional file that is absent from one that cannot be read.
  absl::StatusOr<std::string> ReadSideFile(const std::string& name) const;

  // Once a model's vocabulary has been read: gives back the memory of gguf(), which is null from now on, and of the pages
  // of the file that hold texts. A vocabulary of 150,000 tokens takes 11 MB.
  void ReleaseTexts();

 private:
  explicit Checkpoint(CheckpointContents contents);

  CheckpointContents contents_;
  std::unordered_map<std::string_view, const SourceTensor*> by_name_;
};

}  // namespace engine

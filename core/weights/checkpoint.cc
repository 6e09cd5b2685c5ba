#include "core/weights/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_join.h"
#include "core/weights/byte_reader.h"
#include "core/weights/checkpoint_gguf.h"
#include "core/weights/checkpoint_hugging_face.h"
#include "core/weights/checkpoint_packed.h"

namespace engine {
namespace {

absl::StatusOr<CheckpointContents> OpenDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(const DirectoryListing listing, ListDirectory(path));
  if (HoldsHuggingFaceModel(listing)) return OpenHuggingFace(listing);
  const std::vector<std::string> models = GgufModels(listing);
  if (models.size() == 1) return OpenGguf(models[0]);
  if (models.empty()) {
    return NotFound("%s: holds no model; it needs config.json with .safetensors files, or a .gguf file", path);
  }
  return InvalidArgument("%s: holds %d GGUF models; name one of them: %s", path, models.size(),
                         absl::StrJoin(models, ", "));
}

absl::StatusOr<CheckpointContents> OpenAny(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return OpenDirectory(path);
  if (path.ends_with(".safetensors")) {
    return InvalidArgument("%s: name the directory that holds it and its config.json", path);
  }
  ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  return IsPackedFile(file.bytes()) ? OpenPacked(std::move(file)) : OpenGguf(path);
}

}  // namespace

Checkpoint::Checkpoint(CheckpointContents contents) : contents_(std::move(contents)) {
  for (const SourceTensor& tensor : contents_.tensors) by_name_.emplace(tensor.name, &tensor);
}

absl::StatusOr<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::string& path) {
  ASSIGN_OR_RETURN(CheckpointContents contents, OpenAny(path));
  contents.path = path;
  return std::unique_ptr<Checkpoint>(new Checkpoint(std::move(contents)));
}

const SourceTensor* Checkpoint::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

absl::StatusOr<const SourceTensor*> Checkpoint::Require(std::string_view name) const {
  if (const SourceTensor* tensor = Find(name)) return tensor;
  const auto raw = std::ranges::find(contents_.raw, name, &RawTensor::name);
  if (raw != contents_.raw.end()) {
    return Unimplemented("%s: tensor %s has type %s, which is not supported; use a BF16, F16 or F32 checkpoint", path(),
                         name, raw->dtype);
  }
  return NotFound("%s: no tensor %s", path(), name);
}

absl::StatusOr<std::string> Checkpoint::ReadSideFile(const std::string& name) const {
  if (packed()) {
    const auto found = std::ranges::find(*contents_.embedded, name, &EmbeddedFile::name);
    if (found != contents_.embedded->end()) return std::string(AsText(found->bytes));
    return NotFound("%s: holds no %s", path(), name);
  }
  if (format() == CheckpointFormat::kGguf) return NotFound("%s: a GGUF checkpoint has no %s", path(), name);
  ASSIGN_OR_RETURN(const MappedFile file, OpenSideFile(path(), name));
  return std::string(AsText(file.bytes()));
}

void Checkpoint::ReleaseTexts() {
  if (contents_.gguf) ReleasePages(contents_.gguf->encoded());
  contents_.gguf.reset();
  if (!packed()) return;
  for (const EmbeddedFile& file : *contents_.embedded) ReleasePages(file.bytes);
}

}  // namespace engine

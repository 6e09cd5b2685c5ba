#include "core/weights/checkpoint_packed.h"

#include <algorithm>
#include <utility>

#include "core/base/json.h"
#include "core/weights/byte_reader.h"
#include "core/weights/checkpoint_gguf.h"
#include "core/weights/checkpoint_hugging_face.h"

namespace engine {
namespace {

// A GGUF file of keys alone; there is one exactly if the checkpoint was GGUF.
constexpr std::string_view kGgufKeys = "keys.gguf";
constexpr std::string_view kConfig = "config.json";

absl::Status ReadSettings(const std::vector<EmbeddedFile>& files, CheckpointContents& contents) {
  const auto find = [&files](std::string_view name) { return std::ranges::find(files, name, &EmbeddedFile::name); };
  if (const auto keys = find(kGgufKeys); keys != files.end()) {
    contents.format = CheckpointFormat::kGguf;
    ASSIGN_OR_RETURN(GgufFile gguf, ParseGguf(keys->bytes));
    contents.config = GgufConfig(gguf.metadata);
    contents.gguf = std::move(gguf.metadata);
    return absl::OkStatus();
  }
  contents.format = CheckpointFormat::kHuggingFace;
  const auto config = find(kConfig);
  if (config == files.end()) return InvalidArgument("holds neither %s nor %s", kGgufKeys, kConfig);
  ASSIGN_OR_RETURN(contents.config, ParseJson(AsText(config->bytes), kConfig));
  return contents.config.is_object() ? absl::OkStatus() : InvalidArgument("%s: not a JSON object", kConfig);
}

}  // namespace

absl::StatusOr<CheckpointContents> OpenPacked(MappedFile file) {
  CheckpointContents contents{};
  absl::StatusOr<PackedFile> parsed = ParsePackedFile(file.bytes());
  if (!parsed.ok()) return Annotate(parsed.status(), file.path());
  if (const absl::Status read = ReadSettings(parsed->files, contents); !read.ok()) return Annotate(read, file.path());
  WantLargePages(file.bytes());
  contents.tensors = std::move(parsed->tensors);
  contents.embedded = std::move(parsed->files);
  contents.files.push_back(std::move(file));
  return contents;
}

absl::StatusOr<std::vector<CopiedFile>> CopySideFiles(const Checkpoint& checkpoint) {
  std::vector<CopiedFile> files;
  if (checkpoint.gguf() != nullptr) {
    files.push_back({std::string(kGgufKeys), GgufWithoutTensors(*checkpoint.gguf())});
    return files;
  }
  ASSIGN_OR_RETURN(const DirectoryListing listing, ListDirectory(checkpoint.path()));
  for (const std::string& name : listing.names) {
    if (name.ends_with(".safetensors.index.json")) continue;
    if (!name.ends_with(".json") && !name.ends_with(".jinja")) continue;
    ASSIGN_OR_RETURN(std::string bytes, checkpoint.ReadSideFile(name));
    files.push_back({name, std::move(bytes)});
  }
  return files;
}

}  // namespace engine

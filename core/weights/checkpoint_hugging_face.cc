#include "core/weights/checkpoint_hugging_face.h"

#include <map>
#include <set>
#include <utility>

#include "core/base/json.h"
#include "core/weights/byte_reader.h"
#include "core/weights/join_int4.h"
#include "core/weights/quantization_config.h"
#include "core/weights/safetensors.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kConfig = "config.json";
constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";
constexpr size_t kMaxSideFileBytes = size_t{128} << 20;  // a few times the longest tokenizer.json

absl::StatusOr<SafetensorsFile> AddFile(const std::string& path, CheckpointContents& contents) {
  ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  absl::StatusOr<SafetensorsFile> parsed = ParseSafetensors(file.bytes());
  if (!parsed.ok()) return Annotate(parsed.status(), path);
  contents.files.push_back(std::move(file));
  return parsed;
}

absl::Status AddSingle(const std::string& path, CheckpointContents& contents) {
  ASSIGN_OR_RETURN(SafetensorsFile parsed, AddFile(path, contents));
  contents.tensors = std::move(parsed.tensors);
  contents.raw = std::move(parsed.raw);
  return absl::OkStatus();
}

// Moves the tensors of one shard that the index places there; a shard may hold others, which are not part of the model.
absl::Status AddShard(const std::string& path, std::set<std::string> expected, CheckpointContents& contents) {
  ASSIGN_OR_RETURN(SafetensorsFile parsed, AddFile(path, contents));
  for (SourceTensor& tensor : parsed.tensors) {
    if (expected.erase(tensor.name) > 0) contents.tensors.push_back(std::move(tensor));
  }
  for (RawTensor& tensor : parsed.raw) {
    if (expected.erase(tensor.name) > 0) contents.raw.push_back(std::move(tensor));
  }
  if (!expected.empty()) return DataLoss("%s: the index places tensor %s here; it is absent", path, *expected.begin());
  return absl::OkStatus();
}

absl::Status AddShards(const DirectoryListing& listing, CheckpointContents& contents) {
  ASSIGN_OR_RETURN(const MappedFile index, OpenSideFile(listing.path, std::string(kIndex)));
  const absl::StatusOr<std::vector<ShardEntry>> entries = ParseShardIndex(AsText(index.bytes()));
  if (!entries.ok()) return Annotate(entries.status(), index.path());
  std::map<std::string, std::set<std::string>> by_shard;
  for (const ShardEntry& entry : *entries) by_shard[entry.shard].insert(entry.tensor);
  for (auto& [shard, tensors] : by_shard) {
    ASSIGN_OR_RETURN(const std::string path, PathInside(listing.path, shard));
    RETURN_IF_ERROR(AddShard(path, std::move(tensors), contents));
  }
  return absl::OkStatus();
}

absl::Status AddWeights(const DirectoryListing& listing, CheckpointContents& contents) {
  if (listing.Has(kSingle)) return AddSingle(listing.PathOf(kSingle), contents);
  if (listing.Has(kIndex)) return AddShards(listing, contents);
  const std::vector<std::string> files = listing.WithSuffix(".safetensors");
  if (files.size() == 1) return AddSingle(listing.PathOf(files[0]), contents);
  return InvalidArgument("%s: holds %d .safetensors files and no %s that says which tensor lies where", listing.path,
                         files.size(), kIndex);
}

}  // namespace

bool HoldsHuggingFaceModel(const DirectoryListing& listing) {
  return listing.Has(kConfig) && !listing.WithSuffix(".safetensors").empty();
}

absl::StatusOr<CheckpointContents> OpenHuggingFace(const DirectoryListing& listing) {
  CheckpointContents contents{.format = CheckpointFormat::kHuggingFace};
  ASSIGN_OR_RETURN(const MappedFile config, OpenSideFile(listing.path, std::string(kConfig)));
  ASSIGN_OR_RETURN(contents.config, ParseJson(AsText(config.bytes()), config.path()));
  if (!contents.config.is_object()) return InvalidArgument("%s: not a JSON object", config.path());
  ASSIGN_OR_RETURN(const QuantizationScheme scheme, ReadQuantizationConfig(contents.config, config.path()));
  RETURN_IF_ERROR(AddWeights(listing, contents));
  if (const absl::Status joined = JoinInt4(scheme, contents); !joined.ok()) return Annotate(joined, listing.path);
  return contents;
}

absl::StatusOr<MappedFile> OpenSideFile(const std::string& directory, const std::string& name) {
  ASSIGN_OR_RETURN(const std::string path, PathInside(directory, name));
  ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  if (file.bytes().size() > kMaxSideFileBytes) {
    return InvalidArgument("%s has %d bytes; the limit is %d", path, file.bytes().size(), kMaxSideFileBytes);
  }
  return file;
}

absl::StatusOr<std::vector<ShardEntry>> ParseShardIndex(std::string_view text) {
  ASSIGN_OR_RETURN(const Json index, ParseJson(text, "the shard index"));
  const auto weight_map = index.is_object() ? index.find("weight_map") : index.end();
  if (weight_map == index.end() || !weight_map->is_object()) {
    return InvalidArgument("the shard index has no object \"weight_map\"");
  }
  std::vector<ShardEntry> entries;
  for (const auto& [tensor, shard] : weight_map->get_ref<const Json::object_t&>()) {
    if (!shard.is_string()) return InvalidArgument("the shard index names no file for tensor %s", tensor);
    entries.push_back({tensor, shard.get<std::string>()});
  }
  return entries;
}

}  // namespace engine

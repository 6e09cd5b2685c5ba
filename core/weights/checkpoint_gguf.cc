#include "core/weights/checkpoint_gguf.h"

#include <charconv>
#include <filesystem>
#include <optional>
#include <type_traits>
#include <unordered_set>
#include <utility>

namespace engine {
namespace {

// Per-layer settings have as many items as layers; the model's own tables are longer and belong to their readers.
constexpr size_t kMaxConfigItems = 1024;

// "llama-00002-of-00003.gguf" is part 2 of 3 of "llama".
struct PartName {
  std::string prefix;
  int part;
  int num_parts;

  std::string Path(int number) const { return absl::StrFormat("%s-%05d-of-%05d.gguf", prefix, number, num_parts); }
};

std::optional<int> ParseFiveDigits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<PartName> ParsePartName(std::string_view path) {
  constexpr std::string_view kPattern = "-00001-of-00003.gguf";
  if (path.size() <= kPattern.size() || !path.ends_with(".gguf")) return std::nullopt;
  const std::string_view suffix = path.substr(path.size() - kPattern.size());
  if (suffix[0] != '-' || suffix.substr(6, 4) != "-of-") return std::nullopt;
  const std::optional<int> part = ParseFiveDigits(suffix.substr(1, 5));
  const std::optional<int> num_parts = ParseFiveDigits(suffix.substr(10, 5));
  if (!part || !num_parts || *part < 1 || *part > *num_parts) return std::nullopt;
  return PartName{std::string(path.substr(0, path.size() - kPattern.size())), *part, *num_parts};
}

absl::StatusOr<GgufFile> AddFile(const std::string& path, CheckpointContents& contents) {
  ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  absl::StatusOr<GgufFile> parsed = ParseGguf(file.bytes());
  if (!parsed.ok()) return Annotate(parsed.status(), path);
  contents.files.push_back(std::move(file));
  return parsed;
}

int64_t IntegerOr(const GgufMetadata& metadata, std::string_view key, int64_t fallback) {
  const int64_t* value = metadata.Get<int64_t>(key);
  return value == nullptr ? fallback : *value;
}

absl::Status CheckPart(const std::string& path, const GgufMetadata& metadata, int part, int num_parts) {
  const int64_t count = IntegerOr(metadata, "split.count", 1);
  if (count != num_parts) {
    return InvalidArgument("%s: split.count is %d, and the file's name says %d parts; keep the names they came with",
                           path, count, num_parts);
  }
  const int64_t number = IntegerOr(metadata, "split.no", 0) + 1;
  if (number != part) {
    return InvalidArgument("%s: this is part %d by split.no and part %d by name; keep the names they came with", path,
                           number, part);
  }
  return absl::OkStatus();
}

absl::Status CheckTensors(const std::string& path, const CheckpointContents& contents) {
  std::unordered_set<std::string_view> seen;
  for (const SourceTensor& tensor : contents.tensors) {
    if (!seen.insert(tensor.name).second) {
      return InvalidArgument("%s: tensor %s appears in two parts", path, tensor.name);
    }
  }
  const auto num_tensors = static_cast<int64_t>(contents.tensors.size());
  const int64_t expected = IntegerOr(*contents.gguf, "split.tensors.count", num_tensors);
  if (expected != num_tensors) {
    return DataLoss("%s: split.tensors.count is %d, and the parts hold %d tensors", path, expected, num_tensors);
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> GgufModels(const DirectoryListing& listing) {
  std::vector<std::string> models;
  for (const std::string& name : listing.WithSuffix(".gguf")) {
    if (name.starts_with("mmproj-") || name.starts_with("mtp-")) continue;
    const std::optional<PartName> part = ParsePartName(name);
    if (!part || part->part == 1) models.push_back(listing.PathOf(name));
  }
  return models;
}

absl::StatusOr<CheckpointContents> OpenGguf(const std::string& path) {
  CheckpointContents contents{.format = CheckpointFormat::kGguf};
  const PartName name = ParsePartName(path).value_or(PartName{"", 1, 1});
  for (int part = 1; part <= name.num_parts; ++part) {
    const std::string part_path = name.prefix.empty() ? path : name.Path(part);
    ASSIGN_OR_RETURN(GgufFile file, AddFile(part_path, contents));
    RETURN_IF_ERROR(CheckPart(part_path, file.metadata, part, name.num_parts));
    for (SourceTensor& tensor : file.tensors) contents.tensors.push_back(std::move(tensor));
    if (part == 1) contents.gguf = std::move(file.metadata);
  }
  RETURN_IF_ERROR(CheckTensors(path, contents));
  contents.config = GgufConfig(*contents.gguf);
  return contents;
}

nlohmann::ordered_json GgufConfig(const GgufMetadata& metadata) {
  using Json = nlohmann::ordered_json;
  Json config = Json::object();
  // The library's own insertion searches all earlier keys; metadata has no key twice.
  auto& members = static_cast<Json::object_t::Container&>(config.get_ref<Json::object_t&>());
  for (const auto& [key, value] : metadata.entries()) {
    const auto add = [&members, &key](const auto& item) {
      using Item = std::decay_t<decltype(item)>;
      constexpr bool kIsScalar = std::is_arithmetic_v<Item> || std::is_same_v<Item, std::string_view>;
      if constexpr (kIsScalar) {
        members.emplace_back(std::string(key), item);
      } else if (!key.starts_with("tokenizer.") && item.size() <= kMaxConfigItems) {
        members.emplace_back(std::string(key), item);
      }
    };
    std::visit(add, value);
  }
  return config;
}

}  // namespace engine

#include "core/weights/gguf_metadata.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

namespace engine {
namespace {

// The format's type ids.
enum class Type : uint32_t { kU8, kI8, kU16, kI16, kU32, kI32, kF32, kBool, kString, kArray, kU64, kI64, kF64, kCount };

// An array item costs at most 16 bytes of memory, so this bounds one array at 256 MiB. Vocabularies have 2^18 entries.
constexpr uint64_t kMaxArrayItems = uint64_t{1} << 24;

absl::StatusOr<Type> ReadType(ByteReader& in, std::string_view key) {
  ASSIGN_OR_RETURN(const uint32_t id, in.Read<uint32_t>(key));
  if (id >= static_cast<uint32_t>(Type::kCount)) {
    return InvalidArgument("key %s has value type %d; GGUF defines 0 to 12", key, id);
  }
  return static_cast<Type>(id);
}

template <typename T>
absl::StatusOr<int64_t> ReadAs(ByteReader& in, std::string_view key) {
  ASSIGN_OR_RETURN(const T value, in.Read<T>(key));
  return static_cast<int64_t>(value);
}

absl::StatusOr<int64_t> ReadInteger(ByteReader& in, Type type, std::string_view key) {
  switch (type) {
    case Type::kU8:
      return ReadAs<uint8_t>(in, key);
    case Type::kI8:
      return ReadAs<int8_t>(in, key);
    case Type::kU16:
      return ReadAs<uint16_t>(in, key);
    case Type::kI16:
      return ReadAs<int16_t>(in, key);
    case Type::kU32:
      return ReadAs<uint32_t>(in, key);
    case Type::kI32:
      return ReadAs<int32_t>(in, key);
    case Type::kI64:
      return in.Read<int64_t>(key);
    case Type::kBool: {
      ASSIGN_OR_RETURN(const uint8_t value, in.Read<uint8_t>(key));
      if (value > 1) return InvalidArgument("key %s holds the boolean %d; it must be 0 or 1", key, value);
      return value;
    }
    default: {
      ASSIGN_OR_RETURN(const uint64_t value, in.Read<uint64_t>(key));
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return InvalidArgument("key %s holds %d; integers above 2^63 - 1 are not supported", key, value);
      }
      return static_cast<int64_t>(value);
    }
  }
}

absl::StatusOr<double> ReadFloat(ByteReader& in, Type type, std::string_view key) {
  if (type == Type::kF64) return in.Read<double>(key);
  ASSIGN_OR_RETURN(const float value, in.Read<float>(key));
  return value;
}

// Reads `count` items with `read_item`, which returns a StatusOr of the item.
template <typename T, typename ReadItem>
absl::StatusOr<GgufValue> ReadItems(const ByteReader& in, uint64_t count, const ReadItem& read_item) {
  std::vector<T> items;
  items.reserve(std::min<uint64_t>(count, in.remaining()));  // an item is a byte at least
  for (uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(T item, read_item());
    items.push_back(std::move(item));
  }
  return GgufValue(std::move(items));
}

absl::StatusOr<GgufValue> ReadArray(ByteReader& in, std::string_view key) {
  ASSIGN_OR_RETURN(const Type type, ReadType(in, key));
  ASSIGN_OR_RETURN(const uint64_t count, in.Read<uint64_t>(key));
  if (count > kMaxArrayItems) {
    return InvalidArgument("key %s holds an array of %d items; the limit is %d", key, count, kMaxArrayItems);
  }
  switch (type) {
    case Type::kArray:
      return InvalidArgument("key %s holds an array of arrays, which is not supported", key);
    case Type::kString:
      return ReadItems<std::string_view>(in, count, [&] { return ReadGgufString(in, key); });
    case Type::kF32:
    case Type::kF64:
      return ReadItems<double>(in, count, [&] { return ReadFloat(in, type, key); });
    default:
      return ReadItems<int64_t>(in, count, [&] { return ReadInteger(in, type, key); });
  }
}

absl::StatusOr<GgufValue> ReadValue(ByteReader& in, std::string_view key) {
  ASSIGN_OR_RETURN(const Type type, ReadType(in, key));
  switch (type) {
    case Type::kArray:
      return ReadArray(in, key);
    case Type::kString:
      return ReadGgufString(in, key);
    case Type::kF32:
    case Type::kF64:
      return ReadFloat(in, type, key);
    default: {
      ASSIGN_OR_RETURN(const int64_t value, ReadInteger(in, type, key));
      return type == Type::kBool ? GgufValue(value != 0) : GgufValue(value);
    }
  }
}

}  // namespace

absl::StatusOr<std::string_view> ReadGgufString(ByteReader& in, std::string_view what) {
  ASSIGN_OR_RETURN(const uint64_t size, in.Read<uint64_t>(what));
  ASSIGN_OR_RETURN(const std::span<const std::byte> bytes, in.Take(size, what));
  return AsText(bytes);
}

absl::StatusOr<std::vector<GgufEntry>> ReadGgufEntries(ByteReader& in, uint64_t count) {
  std::vector<GgufEntry> entries;
  std::unordered_set<std::string> seen;
  for (uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view key, ReadGgufString(in, "a key's name"));
    if (!seen.emplace(key).second) return InvalidArgument("key %s appears twice", key);
    ASSIGN_OR_RETURN(GgufValue value, ReadValue(in, key));
    entries.push_back({key, std::move(value)});
  }
  return entries;
}

}  // namespace engine

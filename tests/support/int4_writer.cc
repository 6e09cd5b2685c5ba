#include "tests/support/int4_writer.h"

#include <cstring>

#include "core/base/check.h"
#include "core/weights/quant.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

// A row-major matrix of 32-bit words of eight integers each.
class Words {
 public:
  Words(int64_t rows, int64_t columns) : rows_(rows), columns_(columns), words_(rows * columns) {}

  void Put(int64_t row, int64_t column, int place, int value) {
    ENGINE_CHECK(value >= 0 && value < 16);
    words_[row * columns_ + column] |= static_cast<uint32_t>(value) << 4 * place;
  }
  void AddTo(const std::string& name, SafetensorsWriter& writer) const {
    writer.AddRaw(name, "I32", {rows_, columns_}, {reinterpret_cast<const char*>(words_.data()), 4 * words_.size()});
  }

 private:
  int64_t rows_, columns_;
  std::vector<uint32_t> words_;
};

bool IsBf16(DType dtype) { return dtype >= DType::kW4G32Bf16; }

// What a weight is made of, whoever stores it.
struct Contents {
  int64_t n, k, groups;
  std::vector<int> q, zero_points;   // [n, k] and [n, groups]
  std::vector<uint16_t> scale_bits;  // [n, groups]
};

Contents ContentsOf(const Int4Weight& weight) {
  const int64_t values = Info(weight.dtype).block_values;
  Contents contents{.n = weight.n, .k = weight.k, .groups = weight.k / values};
  QuantGroup group;
  for (int64_t row = 0; row < weight.n; ++row) {
    for (int64_t g = 0; g < weight.k / 32; ++g) {
      UnpackGroup(weight.dtype, weight.rows.data() + row * RowBytes(weight.dtype, weight.k), g, group);
      contents.q.insert(contents.q.end(), group.q.begin(), group.q.end());
      if (g * 32 % values != 0) continue;
      contents.zero_points.push_back(group.zero_point);
      contents.scale_bits.push_back(group.d_bits);
    }
  }
  return contents;
}

void AddScales(const std::string& name, DType dtype, std::vector<int64_t> shape, const std::vector<uint16_t>& bits,
               SafetensorsWriter& writer) {
  writer.AddRaw(name, IsBf16(dtype) ? "BF16" : "F16", std::move(shape),
                {reinterpret_cast<const char*>(bits.data()), 2 * bits.size()});
}

void AddCompressed(const Int4Weight& weight, const Contents& c, SafetensorsWriter& writer) {
  Words words(c.n, c.k / 8), zero_points((c.n + 7) / 8, c.groups);
  for (int64_t row = 0; row < c.n; ++row) {
    for (int64_t i = 0; i < c.k; ++i) words.Put(row, i / 8, static_cast<int>(i % 8), c.q[row * c.k + i]);
    for (int64_t g = 0; g < c.groups; ++g) {
      zero_points.Put(row / 8, g, static_cast<int>(row % 8), c.zero_points[row * c.groups + g]);
    }
  }
  words.AddTo(weight.name + ".weight_packed", writer);
  AddScales(weight.name + ".weight_scale", weight.dtype, {c.n, c.groups}, c.scale_bits, writer);
  zero_points.AddTo(weight.name + ".weight_zero_point", writer);
  const int64_t shape[] = {c.n, c.k};
  writer.AddRaw(weight.name + ".weight_shape", "I64", {2}, {reinterpret_cast<const char*>(shape), sizeof(shape)});
}

void AddGroupNumbers(const Int4Weight& weight, const Contents& c, SafetensorsWriter& writer) {
  std::vector<int32_t> numbers(c.k);
  for (int64_t i = 0; i < c.k; ++i) numbers[i] = static_cast<int32_t>(i / (c.k / c.groups));
  writer.AddRaw(weight.name + ".g_idx", "I32", {c.k},
                {reinterpret_cast<const char*>(numbers.data()), 4 * numbers.size()});
}

void AddTransposed(const Int4Weight& weight, const Contents& c, Int4Scheme scheme, SafetensorsWriter& writer) {
  constexpr int kAwqPlaces[] = {0, 4, 1, 5, 2, 6, 3, 7};
  const bool is_awq = scheme == Int4Scheme::kAwq;
  const auto place = [&](int64_t row) { return is_awq ? kAwqPlaces[row % 8] : static_cast<int>(row % 8); };
  Words words = is_awq ? Words(c.k, c.n / 8) : Words(c.k / 8, c.n);
  Words zero_points(c.groups, c.n / 8);
  std::vector<uint16_t> scales(c.groups * c.n);
  for (int64_t row = 0; row < c.n; ++row) {
    for (int64_t i = 0; i < c.k; ++i) {
      const int q = c.q[row * c.k + i];
      is_awq ? words.Put(i, row / 8, place(row), q) : words.Put(i / 8, row, static_cast<int>(i % 8), q);
    }
    for (int64_t g = 0; g < c.groups; ++g) {
      const int zero_point = c.zero_points[row * c.groups + g];
      zero_points.Put(g, row / 8, place(row), zero_point - (scheme == Int4Scheme::kGptq ? 1 : 0));
      scales[g * c.n + row] = c.scale_bits[row * c.groups + g];
    }
  }
  words.AddTo(weight.name + ".qweight", writer);
  zero_points.AddTo(weight.name + ".qzeros", writer);
  AddScales(weight.name + ".scales", weight.dtype, {c.groups, c.n}, scales, writer);
  if (!is_awq) AddGroupNumbers(weight, c, writer);
}

}  // namespace

Json Int4Config(Int4Scheme scheme) {
  switch (scheme) {
    case Int4Scheme::kAwq:
      return {{"quant_method", "awq"}, {"bits", 4}, {"group_size", 128}, {"version", "gemm"}, {"zero_point", true}};
    case Int4Scheme::kGptq:
      return {{"quant_method", "gptq"}, {"bits", 4}, {"group_size", 128}, {"desc_act", false}, {"sym", false}};
    case Int4Scheme::kGptqV2:
      return {{"quant_method", "gptq"}, {"bits", 4}, {"desc_act", false}, {"checkpoint_format", "gptq_v2"}};
    case Int4Scheme::kCompressed:
      break;
  }
  const Json weights = {{"num_bits", 4}, {"type", "int"}, {"symmetric", false}, {"strategy", "group"}};
  return {{"quant_method", "compressed-tensors"},
          {"format", "pack-quantized"},
          {"kv_cache_scheme", nullptr},
          {"config_groups", {{"group_0", {{"targets", {"Linear"}}, {"weights", weights}}}}}};
}

ZeroPoints ZeroPointsOf(Int4Scheme scheme) {
  return scheme == Int4Scheme::kGptq ? ZeroPoints{1, 16} : ZeroPoints{0, 15};
}

void AddInt4(const Int4Weight& weight, Int4Scheme scheme, SafetensorsWriter& writer) {
  const Contents contents = ContentsOf(weight);
  if (scheme == Int4Scheme::kCompressed) return AddCompressed(weight, contents, writer);
  AddTransposed(weight, contents, scheme, writer);
}

}  // namespace engine

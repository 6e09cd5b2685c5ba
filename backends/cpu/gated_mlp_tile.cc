#include "backends/cpu/gated_mlp_tile.h"

#include <cstring>

#include "backends/cpu/isa/activation.h"
#include "backends/cpu/row_store.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

template <Activation kActivation>
F32x16 Product(const GatedColumns& in, int panel, int row) {
  return Activate(kActivation, Load(in.gate[panel] + row * 16)) * Load(in.up[panel] + row * 16);
}

template <Activation kActivation, typename Row>
void StoreColumns(const GatedColumns& in) {
  for (int r = 0; r < in.rows; ++r) {
    const F32x16 x[] = {Product<kActivation>(in, 0, r), Product<kActivation>(in, 1, r)};
    Row(in.y + r * in.y_row_bytes, in.n).Set(in.column, x);
  }
}

// A group each of kRows rows from `first` on, as long as there are so many; returns the row behind.
template <Activation kActivation, int kRows>
int StoreGroups(const GatedColumns& in, int first) {
  for (; first + kRows <= in.rows; first += kRows) {
    F32x16 x[2 * kRows];
    GroupPlace places[kRows];
    for (int r = 0; r < kRows; ++r) {
      for (int half = 0; half < 2; ++half) x[2 * r + half] = Product<kActivation>(in, half, first + r);
      places[r] = PlaceIn(Q8RowAt(in.y + (first + r) * in.y_row_bytes, in.n), in.column / kActivationGroup);
    }
    QuantiseGroups(x, places);
  }
  return first;
}

// The end of a row that is no multiple of 32; never q8_group, whose rows are.
template <Activation kActivation, typename Row, typename Element>
void StoreLastColumns(const GatedColumns& in) {
  for (int r = 0; r < in.rows; ++r) {
    Element values[kStoreStep];
    Row(reinterpret_cast<std::byte*>(values), kStoreStep)
        .Set(0, {Product<kActivation>(in, 0, r), Product<kActivation>(in, 1, r)});
    std::memcpy(in.y + r * in.y_row_bytes + in.column * int64_t{sizeof(Element)}, values,
                (in.n - in.column) * sizeof(Element));
  }
}

template <Activation kActivation>
void StoreAs(const GatedColumns& in) {
  const bool whole = in.n - in.column >= kStoreStep;
  if (in.out == DType::kQ8Group) {
    StoreGroups<kActivation, 1>(in, StoreGroups<kActivation, kStoreSteps>(in, 0));
    return;
  }
  if (in.out == DType::kBF16) {
    return whole ? StoreColumns<kActivation, Bf16Row>(in) : StoreLastColumns<kActivation, Bf16Row, uint16_t>(in);
  }
  return whole ? StoreColumns<kActivation, F32Row>(in) : StoreLastColumns<kActivation, F32Row, float>(in);
}

}  // namespace

const GatedCode kGated = {StoreAs<Activation::kSilu>, StoreAs<Activation::kGeluTanh>};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_

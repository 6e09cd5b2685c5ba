#include "backends/cpu/gated_mlp_tile.h"

#include "backends/cpu/isa/activation.h"
#include "backends/cpu/row_store.h"

ENGINE_ISA_BEGIN_

namespace engine::cpu::ENGINE_ISA {
namespace {

template <Activation kActivation, typename Row>
void StoreColumns(const GatedColumns& in) {
  for (int r = 0; r < in.rows; ++r) {
    F32x16 product[2];
    for (int panel = 0; panel < 2; ++panel) {
      product[panel] = Activate(kActivation, Load(in.gate[panel] + r * 16)) * Load(in.up[panel] + r * 16);
    }
    Row(in.y + r * in.y_row_bytes, in.n).Set(in.column, product[0], product[1]);
  }
}

template <Activation kActivation>
void StoreAs(const GatedColumns& in) {
  if (in.out == DType::kQ8Group) return StoreColumns<kActivation, Q8GroupRow>(in);
  if (in.out == DType::kBF16) return StoreColumns<kActivation, Bf16Row>(in);
  return StoreColumns<kActivation, F32Row>(in);
}

}  // namespace

const GatedCode kGated = {StoreAs<Activation::kSilu>, StoreAs<Activation::kGeluTanh>};

}  // namespace engine::cpu::ENGINE_ISA

ENGINE_ISA_END_

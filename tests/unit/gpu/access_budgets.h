// What the accesses of every GPU kernel may cost, beside the budgets of registers and instructions (budgets_test.py).
#pragma once

namespace engine::gpu {

// Of all launches of a kernel on problems in whole tiles: sectors of 32 bytes that its requests of global memory touch, for
// each that they would touch if lanes lay side by side; and turns that its requests of shared memory take with warps of 32
// and of 64, for each that they would take without conflicts between banks.
struct AccessBudget {
  const char* kernel;  // a pattern, as of file names
  double sectors;
  double turns32;
  double turns64;
};

// The first that fits counts.
inline constexpr AccessBudget kAccessBudgets[] = {
    // A row lies in pieces of 16 bytes, 32 rows side by side (weight_panel.h).
    {"embedding", 3.0, 1.0, 1.0},
    // Tokens of K lie side by side, and a step writes one of them.
    {"kv_write_*", 2.3, 1.0, 1.0},
    // The same; and rows of weights are copied in pieces of which two meet in a bank.
    {"linear_bf16_rows_matrix", 1.1, 1.3, 1.6},
    // Lanes of MFMA take 8 bytes of each of 16 rows.
    {"linear_*_matrix", 1.1, 1.1, 1.6},
    // Three of the 19 tiles here hold a token whose first product is zero: its first steps take weights four bytes at a time.
    {"linear_bf16_tile", 1.2, 1.0, 1.0},
    {"linear_f16_tile", 1.05, 1.0, 1.0},
    {"linear_f32_tile", 1.05, 1.0, 1.0},
    // Scales of rows of x are 4 bytes each; and sums cross shared memory two to a bank.
    {"linear_*_tile", 1.5, 1.12, 1.36},
    // Half of the lanes of each of two slots have a value to share.
    {"linear_f32_one", 1.05, 1.0, 1.03},
    // Counts of digits, where tokens meet.
    {"sample", 1.1, 3.3, 3.3},
    // A lane takes four bytes of a query of each of eight rows (of sixteen, eight bytes each), and its weights cross to other
    // lanes two bytes at a time where warps have 64. Contexts are short here, so queries weigh much. Totals of rows are
    // cleared two words apart.
    {"paged_attention_matrix_*", 1.3, 1.01, 1.1},
    // Lanes whose sum is zero so far go on step by step, beside the others.
    {"paged_attention_*", 1.0, 1.06, 1.06},
    {"*", 1.05, 1.0, 1.0},
};

}  // namespace engine::gpu

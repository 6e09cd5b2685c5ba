// Which lane of a warp holds what in a matrix step of the port:
//
//   sums[16, 16] += a[16, 32 bytes] * b[16, 32 bytes]^T        32 int8, or 16 bf16 or f16, to a row
//
// A lane's word w of an operand is bytes [Byte, Byte + 4) of row Row; its value i of the sums is that of row SumRow of a
// and row SumColumn of b. Both operands lie in the same way, so an instruction may take the bytes of a row in any order.
// A lane's values are of kSumRows rows: RowIndex says of which, FirstOfRow is one of its values, and kRowLanes neighbouring
// lanes share a row; the same of kSumColumns columns. kSumsLieAsOperand: word w of an operand of 16 bits is values
// FirstValue(w) and the one behind.
#pragma once

#include <cstdint>

namespace engine::gpu {

// mma.sync.m16n8k32 (int8) and m16n8k16: two of them, for rows 0-7 and 8-15 of b. PTX ISA, "Matrix fragments".
struct NvidiaMatrix {
  static constexpr int kWords = 4, kValues = 8;
  static constexpr int Row(int lane, int word) { return lane / 4 + word % 2 * 8; }
  static constexpr int Byte(int lane, int word) { return word / 2 * 16 + lane % 4 * 4; }
  static constexpr int SumRow(int lane, int value) { return lane / 4 + value / 2 % 2 * 8; }
  static constexpr int SumColumn(int lane, int value) { return value / 4 * 8 + lane % 4 * 2 + value % 2; }
  static constexpr int kSumRows = 2, kRowLanes = 4;
  static constexpr int RowIndex(int value) { return value / 2 % 2; }
  static constexpr int FirstOfRow(int index) { return index * 2; }
  static constexpr int kSumColumns = 4;
  static constexpr int ColumnIndex(int value) { return value / 4 * 2 + value % 2; }
  static constexpr int FirstOfColumn(int index) { return index / 2 * 4 + index % 2; }
  static constexpr bool kSumsLieAsOperand = true;
  static constexpr int FirstValue(int word) { return word / 2 * 4 + word % 2 * 2; }
};

// What AMD's have in common: a row's columns are side by side in 16 lanes, and each of a lane's values is of another row.
template <int kCount>
struct AmdSums {
  static constexpr int kValues = kCount, kSumRows = kCount, kRowLanes = 16;
  static constexpr int SumColumn(int lane, int) { return lane % 16; }
  static constexpr int RowIndex(int value) { return value; }
  static constexpr int FirstOfRow(int index) { return index; }
  static constexpr int kSumColumns = 1;
  static constexpr int ColumnIndex(int) { return 0; }
  static constexpr int FirstOfColumn(int) { return 0; }
  static constexpr bool kSumsLieAsOperand = false;
};

// v_mfma 16x16x32 (int8, gfx942), 16x16x16 twice (int8, gfx90a) and 16x16x16 (16 bits): warps of 64.
struct CdnaMatrix : AmdSums<4> {
  static constexpr int kWords = 2;
  static constexpr int Row(int lane, int) { return lane % 16; }
  static constexpr int Byte(int lane, int word) { return lane / 16 * 8 + word * 4; }
  static constexpr int SumRow(int lane, int value) { return lane / 16 * 4 + value; }
};

// v_wmma 16x16x16 of gfx11, twice for int8. Lanes 16-31 hold the operands once more.
struct Rdna3Matrix : AmdSums<8> {
  static constexpr int kWords = 8;
  static constexpr int Row(int lane, int) { return lane % 16; }
  static constexpr int Byte(int, int word) { return word * 4; }
  static constexpr int SumRow(int lane, int value) { return value * 2 + lane / 16; }
};

// v_wmma 16x16x16 of gfx12, twice for int8.
struct Rdna4Matrix : AmdSums<8> {
  static constexpr int kWords = 4;
  static constexpr int Row(int lane, int) { return lane % 16; }
  static constexpr int Byte(int lane, int word) { return word / 2 * 16 + lane / 16 * 8 + word % 2 * 4; }
  static constexpr int SumRow(int lane, int value) { return lane / 16 * 8 + value; }
};

// A lane's part of an operand and of the sums.
template <typename Layout>
struct OperandOf {
  uint32_t words[Layout::kWords];
};
template <typename Layout, typename T>
struct SumsOf {
  T values[Layout::kValues];
};

}  // namespace engine::gpu

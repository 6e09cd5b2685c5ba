// Every layout of a matrix step gives each element of its operands and sums to the lanes that hold it, and to no other.
#include "backends/gpu/port/matrix_layout.h"

#include <map>
#include <utility>

#include "gmock/gmock.h"

namespace engine::gpu {
namespace {

using testing::Each;
using testing::Pair;
using testing::SizeIs;

template <typename Layout, int kLanes, int kCopies>
struct Case {
  using Matrix = Layout;
  static constexpr int kWarpLanes = kLanes, kHolders = kCopies;
};

template <typename T>
class MatrixLayoutTest : public testing::Test {};
using Layouts = testing::Types<Case<NvidiaMatrix, 32, 1>, Case<CdnaMatrix, 64, 1>, Case<Rdna3Matrix, 32, 2>,
                               Case<Rdna4Matrix, 32, 1>>;
TYPED_TEST_SUITE(MatrixLayoutTest, Layouts);

TYPED_TEST(MatrixLayoutTest, EveryWordOfAnOperandIsHeldAsOftenAsTheInstructionWants) {
  using Matrix = typename TypeParam::Matrix;
  std::map<std::pair<int, int>, int> holders;
  for (int lane = 0; lane < TypeParam::kWarpLanes; ++lane) {
    for (int word = 0; word < Matrix::kWords; ++word) ++holders[{Matrix::Row(lane, word), Matrix::Byte(lane, word)}];
  }
  EXPECT_THAT(holders, SizeIs(16 * 32 / 4));
  EXPECT_THAT(holders, Each(Pair(testing::_, TypeParam::kHolders)));
}

TYPED_TEST(MatrixLayoutTest, EverySumIsHeldOnce) {
  using Matrix = typename TypeParam::Matrix;
  std::map<std::pair<int, int>, int> holders;
  for (int lane = 0; lane < TypeParam::kWarpLanes; ++lane) {
    for (int value = 0; value < Matrix::kValues; ++value) {
      ++holders[{Matrix::SumRow(lane, value), Matrix::SumColumn(lane, value)}];
    }
  }
  EXPECT_THAT(holders, SizeIs(16 * 16));
  EXPECT_THAT(holders, Each(Pair(testing::_, 1)));
}

TYPED_TEST(MatrixLayoutTest, ALanesValuesAreOfTheRowsThatItSays) {
  using Matrix = typename TypeParam::Matrix;
  for (int lane = 0; lane < TypeParam::kWarpLanes; ++lane) {
    for (int value = 0; value < Matrix::kValues; ++value) {
      const int index = Matrix::RowIndex(value);
      EXPECT_LT(index, Matrix::kSumRows);
      EXPECT_EQ(Matrix::SumRow(lane, value), Matrix::SumRow(lane, Matrix::FirstOfRow(index)));
      EXPECT_EQ(Matrix::SumRow(lane, value), Matrix::SumRow(lane / Matrix::kRowLanes * Matrix::kRowLanes, value));
    }
  }
}

TEST(MatrixLayout, SumsOfNvidiaLieAsAnOperandOf16Bits) {
  for (int lane = 0; lane < 32; ++lane) {
    for (int word = 0; word < NvidiaMatrix::kWords; ++word) {
      const int value = NvidiaMatrix::FirstValue(word);
      for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(NvidiaMatrix::SumRow(lane, value + i), NvidiaMatrix::Row(lane, word));
        EXPECT_EQ(NvidiaMatrix::SumColumn(lane, value + i), NvidiaMatrix::Byte(lane, word) / 2 + i);
      }
    }
  }
}

// Elements of 16 bits as AMD's matrix instruction calculator places them; words hold two.
TEST(MatrixLayout, WordsOfRdnaHoldWhatTheCalculatorSays) {
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 8; i += 2) {
      EXPECT_EQ(Rdna4Matrix::Byte(lane, i / 2), 2 * ((i >> 2) * 8 + (lane >> 4) * 4 + (i & 3)));
    }
    for (int i = 0; i < 16; i += 2) EXPECT_EQ(Rdna3Matrix::Byte(lane, i / 2), 2 * i);
    for (int i = 0; i < 8; ++i) {
      EXPECT_EQ(Rdna3Matrix::SumRow(lane, i), 2 * i + (lane >> 4));
      EXPECT_EQ(Rdna4Matrix::SumRow(lane, i), i + 8 * (lane >> 4));
    }
  }
}

}  // namespace
}  // namespace engine::gpu

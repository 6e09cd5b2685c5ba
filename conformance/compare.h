// Where two tensors of one type differ, in words.
#pragma once

#include <optional>
#include <string>

#include "conformance/op_case.h"

namespace engine {

// The first of `rows` rows whose bits differ. NaNs are equal whatever their payload, and the padding of q8 rows is
// not looked at.
std::optional<std::string> FirstDifference(const TensorSpec& spec, int64_t rows, const std::byte* got,
                                           const std::byte* want);

// The same for a tensor of f32, bf16 or q8_group whose difference may be as large as `bound`, before q8_group rounds.
// Row 0 is row `first_row` of the case.
std::optional<std::string> FirstBeyond(const TensorSpec& spec, int64_t rows, int64_t first_row, const ErrorBound& bound,
                                       const std::byte* got, const std::byte* want);

}  // namespace engine

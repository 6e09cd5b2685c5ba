// Fields that /v1/chat/completions and /v1/completions have in common: which model, how to sample, how to answer.
#pragma once

#include "server/api/api_request.h"

namespace engine {

std::span<const ApiField> CommonFields();

// As many answers may a request ask for, and so many stop strings.
inline constexpr int kMaxChoices = 128;
inline constexpr size_t kMaxStops = 32;

// Tokens of the answer at most, under any name.
absl::Status ReadMaxTokens(const FieldValue& value, ApiRequest& request);

// "stop": a string or a list of them.
absl::Status ReadStop(const FieldValue& value, ApiRequest& request);

// A text, a list of texts, a list of token ids, or a list of such lists; `most` texts or lists.
absl::Status ReadPrompts(const FieldValue& value, size_t most, ApiRequest& request);

// How many of the likeliest tokens are told beside each one.
absl::Status GetLogprobs(const FieldValue& value, int& logprobs);

// What fields say together, once all are read.
absl::Status CheckCommon(const Json& body, ApiRequest& request);

}  // namespace engine

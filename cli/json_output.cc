#include "cli/json_output.h"

#include <cstdio>

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const TokenLogprobs& logprobs) {
  Json top = Json::array();
  for (const auto& [token, logprob] : logprobs.top) top.push_back({{"token", token}, {"logprob", logprob}});
  return {{"token", logprobs.token}, {"logprob", logprobs.logprob}, {"top", std::move(top)}};
}

}  // namespace

void PrintJson(const Json& document) { std::puts(JsonText(document, 2).c_str()); }

Json ToJson(const Answer& answer, const ModelInfo& model, double load_seconds) {
  const Generation& generation = answer.generation;
  Json document = {{"model", model.path},
                   {"text", generation.text},
                   {"tokens", generation.tokens},
                   {"finish", Name(generation.finish)},
                   {"usage",
                    {{"prompt_tokens", answer.generation.prompt_tokens},
                     {"completion_tokens", generation.tokens.size()},
                     {"drafted_tokens", generation.drafted_tokens},
                     {"accepted_tokens", generation.accepted_tokens}}},
                   {"timings",
                    {{"load_seconds", load_seconds},
                     {"first_token_seconds", answer.first_token_seconds},
                     {"total_seconds", answer.total_seconds},
                     {"tokens_per_second", answer.decode_rate()}}}};
  if (!generation.reasoning.empty()) document["reasoning"] = generation.reasoning;
  if (!generation.logprobs.empty()) {
    Json& logprobs = document["logprobs"] = Json::array();
    for (const TokenLogprobs& token : generation.logprobs) logprobs.push_back(ToJson(token));
  }
  return document;
}

}  // namespace engine

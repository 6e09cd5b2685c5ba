#include "server/api/token_names.h"

#include <algorithm>

namespace engine {
namespace {

Json Bytes(const std::string& bytes) {
  Json list = Json::array();
  for (const char c : bytes) list.push_back(static_cast<uint8_t>(c));
  return list;
}

// As JSON will show it.
std::string Valid(std::string bytes) { return Json::parse(JsonText(Json(std::move(bytes)))).get<std::string>(); }

Json ChatToken(const Answer& answer, int32_t token, float logprob) {
  return {{"token", TokenName(answer, token)},
          {"logprob", ShownLogprob(logprob)},
          {"bytes", Bytes(answer.engine->TokenBytes(token))}};
}

}  // namespace

std::string TokenName(const Answer& answer, int32_t token) {
  if (answer.request.tokens_as_ids) return absl::StrFormat("token_id:%d", token);
  return Valid(answer.engine->TokenBytes(token));
}

double ShownLogprob(float logprob) { return std::max(logprob, -9999.0f); }

int64_t CodePoints(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

Json ChatLogprobs(const Answer& answer, std::span<const TokenLogprobs> tokens) {
  Json content = Json::array();
  for (const TokenLogprobs& token : tokens) {
    Json entry = ChatToken(answer, token.token, token.logprob);
    entry["top_logprobs"] = Json::array();
    for (const auto& [id, logprob] : token.top) entry["top_logprobs"].push_back(ChatToken(answer, id, logprob));
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}};
}

Json CompletionLogprobs(const Answer& answer, std::span<const TokenLogprobs> tokens, int64_t& offset) {
  Json names = Json::array(), logprobs = Json::array(), tops = Json::array(), offsets = Json::array();
  for (const TokenLogprobs& token : tokens) {
    names.push_back(TokenName(answer, token.token));
    logprobs.push_back(ShownLogprob(token.logprob));
    offsets.push_back(offset);
    offset += CodePoints(answer.engine->TokenBytes(token.token));
    Json top = Json::object();
    top[TokenName(answer, token.token)] = ShownLogprob(token.logprob);
    for (const auto& [id, logprob] : token.top) top[TokenName(answer, id)] = ShownLogprob(logprob);
    tops.push_back(std::move(top));
  }
  return {{"tokens", std::move(names)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

Json PromptLogprobs(const Answer& answer, const Choice& choice) {
  Json list = Json::array({nullptr});
  for (const TokenLogprobs& token : choice.generation.prompt_logprobs) {
    Json entry = Json::object();
    const auto add = [&](int32_t id, float logprob, const Json& rank) {
      entry[std::to_string(id)] = {
          {"logprob", ShownLogprob(logprob)}, {"rank", rank}, {"decoded_token", TokenName(answer, id)}};
    };
    add(token.token, token.logprob, nullptr);  // its rank is known only among the likeliest
    for (size_t i = 0; i < token.top.size(); ++i) add(token.top[i].first, token.top[i].second, i + 1);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace engine

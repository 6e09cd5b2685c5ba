#include "text/output_parser/harmony_parser.h"

#include <algorithm>
#include <array>
#include <utility>

namespace engine {
namespace {

// A body ends with one of the first three; the others begin a header, also where an end was left out.
constexpr std::array<std::string_view, 5> kEnds = {"<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>"};
constexpr int kFirstStart = 3;
constexpr std::array<std::string_view, 1> kMessage = {"<|message|>"};
constexpr std::string_view kRecipient = " to=";

// A header has a role, a channel, a recipient and a type; anything longer is none.
constexpr size_t kMaxHeaderBytes = 512;

Match LooksLikeHeader(std::string_view text, bool ended) {
  Match any = Match::kNo;
  for (const std::string_view start : {kEnds[3], kEnds[4], kMessage[0], kRecipient, kRecipient.substr(1)}) {
    const Match match = StartsWith(text, start, ended);
    if (match == Match::kYes) return match;
    if (match == Match::kMaybe) any = match;
  }
  return any;
}

// What stands behind `key`, up to white space or a marker; none: empty.
std::string_view Part(std::string_view header, std::string_view key) {
  const size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = header.substr(at + key.size());
  return rest.substr(0, rest.find_first_of(" \n\t\r<"));
}

}  // namespace

void HarmonyParser::Push(std::string_view text, std::vector<OutputDelta>& out) {
  text_.Append(text);
  Run();
  out_.Drain(out);
}

void HarmonyParser::Finish(std::vector<OutputDelta>& out) {
  text_.End();
  Run();
  out_.Drain(out);
}

void HarmonyParser::Run() {
  while (!text_.view().empty() && Step()) continue;
}

bool HarmonyParser::StepHeader() {
  const std::string_view text = text_.view();
  const Match header = LooksLikeHeader(text, text_.ended());
  if (header == Match::kMaybe) return false;
  const Found message = FindFirst(text, kMessage, text_.ended());
  const bool whole = header == Match::kYes && message.marker != Found::kNone && message.at <= kMaxHeaderBytes;
  if (whole) {
    BeginBody(text.substr(0, message.at));
    text_.Take(message.at + kMessage[0].size());
  } else if (header == Match::kYes && message.at <= kMaxHeaderBytes && !text_.ended()) {
    return false;
  } else {
    // No header: its text is content up to the next one.
    body_ = Body::kContent;
    if (header == Match::kYes) out_.Content(text_.Take(1));
  }
  state_ = State::kBody;
  return true;
}

void HarmonyParser::BeginBody(std::string_view header) {
  body_ = Part(header, "<|channel|>") == "analysis" ? Body::kReasoning : Body::kContent;
  std::string_view recipient = Part(header, "to=");
  if (recipient.empty() || !calls_) return;
  if (recipient.starts_with("functions.")) recipient.remove_prefix(std::string_view("functions.").size());
  body_ = Body::kArguments;
  function_ = recipient;
  arguments_ = LiteralReader(kJsonLiterals);
}

bool HarmonyParser::StepBody() {
  const Found end = FindFirst(text_.view(), kEnds, text_.ended());
  const bool ends = end.marker != Found::kNone;
  std::string_view said = text_.view().substr(0, end.at);
  if (body_ == Body::kArguments) {
    text_.Take(ReadArguments(said, ends || text_.ended()));
    if (body_ == Body::kContent) return true;
    if (!ends) return false;
  } else {
    said = text_.Take(end.at);
    body_ == Body::kReasoning ? out_.Reasoning(said) : out_.Content(said);
    if (!ends) return false;
  }
  if (end.marker < kFirstStart) text_.Take(kEnds[static_cast<size_t>(end.marker)].size());
  state_ = State::kHeader;
  return true;
}

// Returns how much of the text is arguments. From where it is none on, the body is content.
size_t HarmonyParser::ReadArguments(std::string_view text, bool ended) {
  const bool between = !function_.empty() || arguments_.done();
  size_t used = between ? SpaceLength(text) : 0;
  const std::string_view rest = text.substr(used);
  if (rest.empty()) return used;
  if (!function_.empty() && rest.front() == '{') out_.BeginCall(std::exchange(function_, {}), "");
  if (function_.empty() && !arguments_.done()) {
    std::string json;
    used += arguments_.Read(rest, ended, json);
    out_.Arguments(json);
    if (arguments_.done()) used += SpaceLength(text.substr(used));
  }
  if (!function_.empty() || arguments_.failed() || (arguments_.done() && used < text.size())) body_ = Body::kContent;
  return used;
}

}  // namespace engine

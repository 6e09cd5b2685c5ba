#include "text/output_parser/call_parser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "text/output_parser/header_calls.h"
#include "text/output_parser/object_calls.h"
#include "text/output_parser/tag_calls.h"

namespace engine {

CallParser::Result CallParser::Read(HeldText& text, DeltaWriter& out) {
  Next next = Next::kGo;
  while (next == Next::kGo) {
    const std::string_view rest = text.view().substr(scanned_);
    next = rest.empty() ? Next::kMore : Step(rest, text.ended(), out);
  }
  if (next == Next::kDone) Commit();
  took_ = took_ || committed_ > 0;
  text.Take(committed_);
  scanned_ -= std::exchange(committed_, 0);
  if (next == Next::kMore && !text.ended()) return Result::kMore;
  if (next == Next::kMore) Cut(out);
  Reset();
  scanned_ = 0;
  return std::exchange(took_, false) ? Result::kDone : Result::kNoCall;
}

CallParser::Next CallParser::Expect(std::string_view rest, std::string_view marker, bool ended) {
  if (ended && marker.starts_with(rest)) {
    Advance(rest.size());
    return Next::kGo;
  }
  const Match match = StartsWith(rest, marker, ended);
  if (match == Match::kYes) Advance(marker.size());
  return match == Match::kYes ? Next::kGo : match == Match::kMaybe ? Next::kMore : Next::kBad;
}

bool IsNameByte(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_-.:/").find(c) != std::string_view::npos;
}

size_t NameLength(std::string_view text) {
  return static_cast<size_t>(std::ranges::find_if_not(text, IsNameByte) - text.begin());
}

std::unique_ptr<CallParser> MakeCallParser(const CallSyntax& syntax, const ParameterTypes& types) {
  if (const auto* object = std::get_if<ObjectSyntax>(&syntax)) return std::make_unique<ObjectCalls>(*object, types);
  if (const auto* header = std::get_if<HeaderSyntax>(&syntax)) return std::make_unique<HeaderCalls>(*header, types);
  return std::make_unique<TagCalls>(std::get<TagSyntax>(syntax), types);
}

}  // namespace engine

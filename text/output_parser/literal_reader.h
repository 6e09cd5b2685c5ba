// One value, as JSON and the languages near it write values, turned into JSON text as it arrives.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace engine {

// How values are written. Objects are {…}, arrays […], with commas between.
struct LiteralStyle {
  std::span<const std::string_view> quotes;  // what a string may begin with; it ends with the same
  bool escapes = true;                       // a backslash in a string means something
  bool bare_keys = false;                    // {key: …}
  bool call_arguments = false;               // the outermost object is (key=…)
};

extern const LiteralStyle kJsonLiterals;
extern const LiteralStyle kPythonLiterals;         // dicts, lists, True, None, 'strings'
extern const LiteralStyle kPythonCallLiterals;     // the same within f(…)
extern const LiteralStyle kGemmaLiterals;          // {key:<|"|>text<|"|>,n:1}
extern const LiteralStyle kFunctionGemmaLiterals;  // {key:<escape>text<escape>}

// Accepts somewhat more than the languages do: True beside true, commas before a closing bracket, control characters in
// strings. What comes out is JSON nevertheless, spaced as Python's json.dumps does.
class LiteralReader {
 public:
  explicit LiteralReader(const LiteralStyle& style) : style_(&style) {}

  // Appends to `json` what the text tells, and returns how many bytes of it are used up. The rest is to be shown again,
  // with more behind it unless the value is done or has failed; then it is what follows the value, or does not fit.
  size_t Read(std::string_view text, bool ended, std::string& json);

  bool done() const { return state_ == State::kDone; }
  bool failed() const { return state_ == State::kFailed; }

 private:
  enum class State { kValue, kKey, kAssign, kComma, kString, kDone, kFailed };

  // Bytes used up; 0: more must come, or the state has changed.
  size_t Step(std::string_view text, bool ended, std::string& json);
  size_t ReadValue(std::string_view text, bool ended, std::string& json);
  size_t ReadKey(std::string_view text, bool ended, std::string& json);
  size_t ReadBareKey(std::string_view text, bool ended, std::string& json);
  size_t ReadString(std::string_view text, bool ended, std::string& json);
  static size_t ReadEscape(std::string_view text, bool ended, std::string& json);
  size_t ReadWord(std::string_view text, bool ended, std::string& json);
  size_t Open(char bracket, std::string& json);
  size_t Close(std::string& json);
  // A string begins with one of the style's quotes: their length. 0: no, or not known yet, which sets `undecided`.
  size_t OpenQuote(std::string_view text, bool ended, bool& undecided);
  void Comma(std::string& json);  // before all items of a container but the first
  void EndValue();
  size_t Fail();

  const LiteralStyle* style_;
  State state_ = State::kValue;
  std::string closers_;     // of the open containers: ) } or ]
  bool first_item_ = true;  // of the innermost one
  bool is_key_ = false;     // the string that is read
  std::string_view quote_;
};

}  // namespace engine

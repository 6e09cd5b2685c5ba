// Tool calls in one syntax.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "text/output_parser/call_syntax.h"
#include "text/output_parser/delta_writer.h"
#include "text/output_parser/held_text.h"
#include "text/output_parser/parameter_types.h"

namespace engine {

class CallParser {
 public:
  enum class Result {
    kMore,    // more text must come
    kDone,    // calls were read; what follows them is left
    kNoCall,  // the text is no call, and nothing was taken
  };

  virtual ~CallParser() = default;

  // What calls begin with.
  virtual std::vector<std::string_view> openers() const = 0;
  // Openers are ordinary text unless the answer begins with them.
  virtual bool only_first() const { return false; }

  // Reads on in text that began with an opener. A call's text is taken when its name is known, so that until then it can
  // become content.
  Result Read(HeldText& text, DeltaWriter& out);

 protected:
  enum class Next { kGo, kMore, kDone, kBad };

  // One step over `rest`, which is not empty.
  virtual Next Step(std::string_view rest, bool ended, DeltaWriter& out) = 0;
  // The text has ended within a call.
  virtual void Cut(DeltaWriter&) {}
  virtual void Reset() = 0;

  // The step has used `size` bytes.
  void Advance(size_t size) { scanned_ += size; }
  // All that was used belongs to calls that the reader of the answer knows of.
  void Commit() { committed_ = scanned_; }
  // Uses `marker`, which must be next; of one that the text's end cuts off, the beginning.
  Next Expect(std::string_view rest, std::string_view marker, bool ended);

 private:
  size_t scanned_ = 0;  // of the held text
  size_t committed_ = 0;
  bool took_ = false;  // text of a call
};

// `types` knows the functions of the request, and outlives the parser.
std::unique_ptr<CallParser> MakeCallParser(const CallSyntax& syntax, const ParameterTypes& types);

bool IsNameByte(char c);
// Bytes of the name that `text` begins with.
size_t NameLength(std::string_view text);
// A name in front of this much of anything else is none.
inline constexpr size_t kMaxNameBytes = 256;

}  // namespace engine

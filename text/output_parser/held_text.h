// Text that has arrived and is not understood yet.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace engine {

class HeldText {
 public:
  void Append(std::string_view text);
  void End() { ended_ = true; }

  std::string_view view() const { return std::string_view(text_).substr(begin_); }
  bool ended() const { return ended_; }  // nothing follows

  // Removes the first `size` bytes; the view of them holds until the next Append.
  std::string_view Take(size_t size);

 private:
  std::string text_;
  size_t begin_ = 0;
  bool ended_ = false;
};

enum class Match { kNo, kYes, kMaybe };  // maybe: `text` ends too soon to know

Match StartsWith(std::string_view text, std::string_view marker, bool ended);

// The first of some markers in a text; of those that begin together, the first in the list.
struct Found {
  size_t at = 0;       // where it begins; if there is none, how much of the text is before any that may yet arrive
  int marker = kNone;  // its index
  static constexpr int kNone = -1;
};
Found FindFirst(std::string_view text, std::span<const std::string_view> markers, bool ended);

bool IsSpace(char c);
// Length of the white space that `text` begins with.
size_t SpaceLength(std::string_view text);
std::string_view WithoutSpaceAtEnd(std::string_view text);

}  // namespace engine

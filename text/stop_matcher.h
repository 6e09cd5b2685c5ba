// Stop strings in text that arrives in pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace engine {

// The stop string that is complete first ends the text, the longest of those that end together: what comes out does not
// depend on how the text was cut into pieces.
class StopMatcher {
 public:
  // include: the stop string itself belongs to the output. None of `stops` is empty.
  StopMatcher(std::vector<std::string> stops, bool include) : stops_(std::move(stops)), include_(include) {}

  // The text that is certain to come before any stop string; the rest is held back until more arrives.
  std::string Append(std::string_view text);
  // What was held back, at the end of the stream.
  std::string Flush();

  // A stop string was found: nothing after it is returned.
  bool stopped() const { return !found_.empty(); }
  // Which; empty: none yet.
  const std::string& found() const { return found_; }

 private:
  std::vector<std::string> stops_;
  const bool include_;
  std::string held_;
  std::string found_;
};

}  // namespace engine

// Stop strings in text that arrives in pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace engine {

class StopMatcher {
 public:
  // include: the stop string itself belongs to the output.
  StopMatcher(std::vector<std::string> stops, bool include) : stops_(std::move(stops)), include_(include) {}

  // The text that is certain to come before any stop string; the rest is held back until more arrives.
  std::string Append(std::string_view text);
  // What was held back, at the end of the stream.
  std::string Flush();

  // A stop string was found: nothing after it is returned.
  bool stopped() const { return stopped_; }

 private:
  const std::vector<std::string> stops_;
  const bool include_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace engine

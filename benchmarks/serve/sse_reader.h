// Server-sent events out of a stream's bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace engine {

class SseReader {
 public:
  // The data of the events that are whole now. Any split of the bytes gives the same events. Comments and all fields but
  // "data" are left out; lines may end in CR LF.
  std::vector<std::string> Take(std::string_view bytes);

 private:
  void TakeLine(std::string_view line, std::vector<std::string>& events);

  std::string line_;  // begun
  std::string data_;  // of the event that has begun
  bool has_data_ = false;
};

}  // namespace engine

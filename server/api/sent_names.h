// Under which names a client has sent what is known by others here: "repeat_penalty" sets repetition_penalty, and an
// answer's grammar may stand in "response_format.json_schema.schema".
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace engine {

class SentNames {
 public:
  // What is called `name`, and what lies within it, was sent at `path`, which may itself be such a name.
  void Add(std::string name, std::string_view path) { paths_[std::move(name)] = PathOf(path); }

  // Where the client has put a field.
  std::string PathOf(std::string_view field) const;

  // An error about a field in the client's words.
  absl::Status Translate(const absl::Status& error) const;

 private:
  std::map<std::string, std::string, std::less<>> paths_;
};

}  // namespace engine

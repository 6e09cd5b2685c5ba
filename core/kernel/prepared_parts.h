// What kernels of one program prepare once for all of them that are alike.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/base/status.h"

namespace engine {

class PreparedParts {
 public:
  // The part that `make` made, an absl::StatusOr<std::shared_ptr<const Part>>, when `key` was asked for first; or why it
  // could not. Keys name the kind of part too.
  template <typename Part, typename Make>
  absl::StatusOr<std::shared_ptr<const Part>> Get(const std::string& key, Make&& make) {
    auto found = parts_.find(key);
    if (found == parts_.end()) {
      absl::StatusOr<std::shared_ptr<const Part>> made = make();
      found = parts_.emplace(key, made.ok() ? Any(*std::move(made)) : Any(made.status())).first;
    }
    RETURN_IF_ERROR(found->second.status());
    return std::static_pointer_cast<const Part>(*found->second);
  }

 private:
  using Any = absl::StatusOr<std::shared_ptr<const void>>;
  std::map<std::string, Any, std::less<>> parts_;
};

}  // namespace engine

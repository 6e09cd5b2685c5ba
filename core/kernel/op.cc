#include "core/kernel/op.h"

#include "absl/strings/str_format.h"

namespace engine {

std::string OpRef::to_string() const {
  return absl::StrFormat("%s{%s}", name(), schema_->describe == nullptr ? "" : schema_->describe(*this));
}

}  // namespace engine

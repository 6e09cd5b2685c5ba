#include "server/http/handler.h"

#include "server/http/ascii.h"

namespace engine {

std::string_view HttpRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualIgnoringCase(key, name)) return value;
  }
  return {};
}

}  // namespace engine

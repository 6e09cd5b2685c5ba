#include "text/ffi_text.h"

namespace engine {

std::string TakeBuffer(EngineTextBuffer buffer) {
  std::string text(reinterpret_cast<const char*>(buffer.data), buffer.size);
  engine_text_free(buffer);
  return text;
}

absl::Status TakeStatus(int code, EngineTextBuffer error, std::string_view what) {
  if (code == 0) return absl::OkStatus();
  return InvalidArgument("%s: %s", what, TakeBuffer(error));
}

}  // namespace engine

#include "engine/version.h"

namespace engine {

std::string_view Version() { return ENGINE_VERSION; }

}  // namespace engine

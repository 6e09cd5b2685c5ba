// Ids that nobody else has.
#pragma once

#include <string>

namespace engine {

// So many digits, a multiple of 16; not all are zero. Any thread.
std::string RandomHex(int digits);

}  // namespace engine

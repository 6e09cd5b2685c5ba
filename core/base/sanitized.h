// Whether a sanitizer watches this build, which then also checks what costs too much otherwise.
#pragma once

namespace engine {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace engine

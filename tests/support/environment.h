// Variables of the environment in tests. No other thread may read the environment while one is set.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace engine {

// `name` is `value` for as long as it lives; then there is no such variable.
class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~EnvironmentVariable() { ::unsetenv(name_); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  const char* name_;
};

// ENGINE_CPU_ISA.
class ForcedIsa : public EnvironmentVariable {
 public:
  explicit ForcedIsa(const std::string& isa) : EnvironmentVariable("ENGINE_CPU_ISA", isa) {}
};

inline int64_t NumberFromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoll(text);
}

}  // namespace engine

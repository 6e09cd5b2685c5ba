#include "core/kernel/problem.h"

namespace engine {

std::string Problem::to_string() const {
  std::string text = op.to_string();
  for (const TensorSpec& spec : in) text += " " + spec.to_string();
  text += " ->";
  for (const TensorSpec& spec : out) text += " " + spec.to_string();
  text += " on " + device.name;
  if (!device.isa.empty()) text += " (" + device.isa + ")";
  return text;
}

}  // namespace engine

#include "text/output_parser/output_parser.h"

#include "text/output_parser/harmony_parser.h"
#include "text/output_parser/marker_parser.h"

namespace engine {

std::unique_ptr<OutputParser> MakeOutputParser(const OutputParserOptions& options) {
  if (options.format.harmony()) return std::make_unique<HarmonyParser>(!options.functions.empty());
  const bool calls = options.format.tools != nullptr && !options.functions.empty();
  if (options.format.reasoning == nullptr && !calls) return nullptr;
  return std::make_unique<MarkerParser>(options);
}

}  // namespace engine

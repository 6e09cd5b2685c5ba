// Grammars of one function's arguments, in the three syntaxes of calls.
#pragma once

#include "nlohmann/json.hpp"
#include "text/output_parser/call_syntax.h"
#include "text/output_parser/lark_writer.h"

namespace engine {

// The schema of a function's arguments: an object.
nlohmann::ordered_json SchemaOf(const ToolFunction& function);

// With their brackets. Of other languages than JSON: names and simple types, required arguments first, each once.
std::string LiteralArguments(const ToolFunction& function, const LiteralStyle& style, LarkWriter& lark);

// With the tags around each.
std::string TagArguments(const ToolFunction& function, const TagSyntax& syntax, LarkWriter& lark);

}  // namespace engine

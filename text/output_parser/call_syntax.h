// How models mark tool calls: three kinds of syntax, each a table of the texts around the parts of a call.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "text/output_parser/literal_reader.h"

namespace engine {

// A JSON object that names the function and holds the arguments; or an array of them:
// open {"name": …, "arguments": {…}} close
struct ObjectSyntax {
  std::string_view open;               // "{": the object itself, which begins the answer
  std::string_view close;              // empty: nothing
  std::string_view name_key = "name";  // empty: {NAME: {…}}
  std::string_view arguments_key = "arguments";
  std::string_view id_key = "id";
  std::string_view separator;  // between objects that no array holds
  bool array = false;          // in a grammar: objects stand in an array
  bool id_first = false;       // in a grammar: the id stands before the name
};

// A name between markers, then the arguments:
// section_open (call_open NAME name_end {…} call_close) separator (…) section_close
struct HeaderSyntax {
  std::string_view section_open;
  std::string_view call_open;  // empty: the name itself
  std::string_view id_open;    // between the name and an id of the call
  std::string_view name_end;   // empty: the arguments' bracket
  const LiteralStyle* arguments = &kJsonLiterals;
  std::string_view call_close;
  std::string_view separator;
  std::string_view section_close;
  std::string_view name_prefix;  // not part of the name: functions.NAME:0; such a header is the call's id as well
};

// Parameters between tags:
// section_open (call_open NAME name_end (parameter_open KEY key_end value_open VALUE value_close)* call_close)* section_close
struct TagSyntax {
  std::string_view section_open;
  std::string_view call_open;
  std::string_view name_end;  // empty: white space or the next tag
  std::string_view parameter_open;
  std::string_view key_end;
  std::string_view value_open;
  std::string_view value_close;
  std::string_view call_close;
  std::string_view section_close;
  bool lines = false;            // a value stands in lines of its own
  std::string_view string_flag;  // what follows a key whose value is a string: KEY" string="true
  std::string_view json_flag;    // and one whose value is JSON
};

using CallSyntax = std::variant<ObjectSyntax, HeaderSyntax, TagSyntax>;

}  // namespace engine

// What a chat template does with the forms of a message that templates differ in, found by rendering tiny chats.
#pragma once

#include "text/chat_template.h"

namespace engine {

struct TemplateTraits {
  bool reads_text = true;           // content that is a string
  bool reads_parts = false;         // content that is a list of {"type": "text", "text": ...}
  bool arguments_are_text = false;  // a tool call's arguments as JSON text rather than as an object
};

TemplateTraits FindTraits(const ChatTemplate& chat_template);

}  // namespace engine

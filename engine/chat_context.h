// The variables of a chat template, from a request.
#pragma once

#include "engine/engine.h"
#include "engine/model_text.h"
#include "nlohmann/json.hpp"
#include "text/output_parser/output_format.h"

namespace engine {

// As Hugging Face names and orders them. Refuses tools and template_kwargs that are not JSON of the right kind, and kwargs
// that would replace a variable of ours.
absl::StatusOr<nlohmann::ordered_json> ChatContext(const ModelText& text, const GenerationRequest& request);

// A JSON object of template variables, none of which is ours; an error is about `name`. Of an empty text: an empty one.
absl::StatusOr<nlohmann::ordered_json> ReadTemplateKwargs(const std::string& kwargs, const std::string& name);

// Whether a template, by its source, reads a variable of this name.
bool ReadsVariable(std::string_view template_source, std::string_view name);

// Whether the template's variables ask for an answer without reasoning, in a word that chat templates read.
bool SwitchesThinkingOff(const ModelText& text, const GenerationRequest& request);

// The functions that tools name; those of `tools` that are none are not listed.
absl::StatusOr<std::vector<ToolFunction>> ToolFunctions(const std::string& tools);

}  // namespace engine

// The tokens of a request's prompt.
#pragma once

#include "engine/engine.h"
#include "engine/model_text.h"

namespace engine {

// From messages, text or tokens, of which a request gives exactly one. Refuses ids outside 0 to vocab - 1, which the
// embedding table lacks, whoever chose them: a checkpoint may come with a tokenizer that is not its own.
absl::StatusOr<RenderedPrompt> RenderPrompt(const ModelText& text, int vocab, const GenerationRequest& request);

}  // namespace engine

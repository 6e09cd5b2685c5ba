// C boundary to the Rust crates that read tokenizers, render chat templates and hold answers to grammars.
//
// Every call returns 0, or 1 with a message in `error`; no call aborts on bad input. Texts are UTF-8 with explicit
// lengths. Handles may be used from several threads at once, an EngineGrammar from one. What a call returns in an
// EngineTextBuffer belongs to the caller, who gives it back with engine_text_free.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct EngineTextBuffer {
  uint8_t* data;
  size_t size;
} EngineTextBuffer;

typedef struct EngineTokenizer EngineTokenizer;
typedef struct EngineTemplate EngineTemplate;
typedef struct EngineGrammars EngineGrammars;
typedef struct EngineCompiledGrammar EngineCompiledGrammar;
typedef struct EngineGrammar EngineGrammar;

void engine_text_free(EngineTextBuffer buffer);

// A tokenizer from the text of a tokenizer.json.
int engine_tokenizer_new(const uint8_t* json, size_t size, EngineTokenizer** tokenizer, EngineTextBuffer* error);
void engine_tokenizer_free(EngineTokenizer* tokenizer);

// Ids as uint32_t. parse_special: texts of special tokens become those tokens; otherwise they are text like any other.
// add_special: what the post-processor puts around a text (BOS).
int engine_tokenizer_encode(const EngineTokenizer* tokenizer, const uint8_t* text, size_t size, int parse_special,
                            int add_special, EngineTextBuffer* ids, EngineTextBuffer* error);
int engine_tokenizer_decode(const EngineTokenizer* tokenizer, const uint32_t* ids, size_t count, int skip_special,
                            EngineTextBuffer* text, EngineTextBuffer* error);
// JSON: {"vocab_size": 1 + the largest id, "is_byte_level": whether a token stands for bytes, whatever is around it,
// "added_tokens": [{"id": …, "content": …, "special": …}, …]}.
int engine_tokenizer_describe(const EngineTokenizer* tokenizer, EngineTextBuffer* json, EngineTextBuffer* error);
// The vocabulary's own spelling of a token; empty for an id without one.
int engine_tokenizer_token(const EngineTokenizer* tokenizer, uint32_t id, EngineTextBuffer* text,
                           EngineTextBuffer* error);

// A template of the kind that tokenizer_config.json carries. Rendering is limited in steps and output.
int engine_template_new(const uint8_t* source, size_t size, EngineTemplate** compiled, EngineTextBuffer* error);
void engine_template_free(EngineTemplate* compiled);
// context: a JSON object with the template's variables.
int engine_template_render(const EngineTemplate* compiled, const uint8_t* context, size_t size, EngineTextBuffer* text,
                           EngineTextBuffer* error);

// What grammars over one vocabulary share: the ids below vocab_size, of which end_ids end an answer. Takes about a second
// for a large vocabulary.
int engine_grammars_new(const EngineTokenizer* tokenizer, uint32_t vocab_size, const uint32_t* end_ids,
                        size_t num_end_ids, EngineGrammars** grammars, EngineTextBuffer* error);
void engine_grammars_free(EngineGrammars* grammars);

enum EngineGrammarKind {
  kEngineGrammarJsonSchema = 1,
  kEngineGrammarJsonObject = 2,
  kEngineGrammarRegex = 3,
  kEngineGrammarChoice = 4,  // a JSON array of texts
  kEngineGrammarLark = 5,
  kEngineGrammarGbnf = 6,
};

// Compiles a grammar, or refuses it when that takes longer than limit_ms or more than is granted.
int engine_grammar_compile(const EngineGrammars* grammars, int kind, const uint8_t* text, size_t size,
                           const uint8_t* before, size_t before_size, uint32_t limit_ms,
                           EngineCompiledGrammar** compiled, EngineTextBuffer* error);
void engine_compiled_grammar_free(EngineCompiledGrammar* compiled);

// The begin of an answer. Any thread may make one; `compiled` outlives them all.
int engine_grammar_new(const EngineCompiledGrammar* compiled, EngineGrammar** grammar, EngineTextBuffer* error);
void engine_grammar_free(EngineGrammar* grammar);
// Ends a call that runs, and lets all later ones fail. Any thread.
void engine_grammar_cancel(const EngineGrammar* grammar);
// Bit i % 32 of mask[i / 32]: token i may follow. may_end: 1 where the answer is complete, which allows end_ids too.
int engine_grammar_mask(EngineGrammar* grammar, uint32_t* mask, size_t words, int* may_end, EngineTextBuffer* error);
// Goes on behind those first tokens that may follow one another, and counts them.
int engine_grammar_advance(EngineGrammar* grammar, const uint32_t* tokens, size_t count, size_t* num_accepted,
                           EngineTextBuffer* error);
// Goes back before the last `count` tokens.
int engine_grammar_rollback(EngineGrammar* grammar, size_t count, EngineTextBuffer* error);
// The bytes that must follow, whatever tokens spell them.
int engine_grammar_forced(EngineGrammar* grammar, EngineTextBuffer* bytes, EngineTextBuffer* error);

#ifdef __cplusplus
}
#endif

// Holds answers to a grammar: which tokens may follow, wherever an answer stands.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "text/grammar_budget.h"
#include "text/output_grammar.h"
#include "text/tokenizer.h"

struct EngineCompiledGrammar;
struct EngineGrammar;
struct EngineGrammars;

namespace engine {

// A compiled grammar and one answer's place in it. One thread at a time. After an error, which a grammar causes that
// needs more than a token's budget, every call returns it.
class Grammar {
 public:
  // Of a grammar that is compiled, at its begin.
  static absl::StatusOr<std::unique_ptr<Grammar>> Create(std::shared_ptr<EngineCompiledGrammar> compiled,
                                                         std::shared_ptr<GrammarWatch> watch);

  // Bit i % 32 of mask[i / 32]: token i may follow. True where the answer may end, which allows the model's end tokens.
  absl::StatusOr<bool> Mask(std::span<uint32_t> mask);

  // Goes on behind those first tokens that may follow one another; how many these are.
  absl::StatusOr<int> Advance(std::span<const int32_t> tokens);

  // Goes back before the last `count` tokens.
  absl::Status Rollback(int count);

  // What must follow, in whatever tokens; may end within a character.
  absl::StatusOr<std::string> Forced();

 private:
  struct Free {
    void operator()(EngineGrammar* handle) const;
  };

  Grammar(EngineGrammar* handle, std::shared_ptr<EngineCompiledGrammar> compiled, std::shared_ptr<GrammarWatch> watch);

  // Outlives all its answers, so that none of them frees what they share: Rust's counts of references would do that too,
  // but ThreadSanitizer does not see those.
  std::shared_ptr<EngineCompiledGrammar> compiled_;
  std::unique_ptr<EngineGrammar, Free> handle_;
  GrammarBudget budget_;
  int num_tokens_ = 0;  // of the answer
};

// Compiles grammars over one vocabulary. Any thread may use it.
class GrammarCompiler {
 public:
  // For token ids below vocab_size. About a second for a large vocabulary.
  static absl::StatusOr<std::unique_ptr<GrammarCompiler>> Create(const Tokenizer& tokenizer, int vocab_size,
                                                                 std::span<const int32_t> end_ids);
  ~GrammarCompiler();

  // At the grammar's begin. The latest are kept compiled, for requests of many answers and clients that ask alike.
  // Refuses, with the reason, what cannot be held to exactly, and what takes more time or memory than one request is
  // granted.
  absl::StatusOr<std::unique_ptr<Grammar>> Compile(const OutputGrammar& grammar) const;

 private:
  struct Kept {
    OutputGrammar source;
    std::shared_ptr<EngineCompiledGrammar> compiled;
  };

  GrammarCompiler(EngineGrammars* handle, std::shared_ptr<GrammarWatch> watch)
      : handle_(handle), watch_(std::move(watch)) {}
  std::shared_ptr<EngineCompiledGrammar> Find(const OutputGrammar& grammar) const;
  void Keep(const OutputGrammar& grammar, const std::shared_ptr<EngineCompiledGrammar>& compiled) const;

  EngineGrammars* handle_;  // owned
  std::shared_ptr<GrammarWatch> watch_;
  mutable std::mutex mutex_;
  mutable std::deque<Kept> kept_;  // guarded by mutex_; the latest used first
};

std::string_view Name(OutputGrammar::Kind kind);

}  // namespace engine

#include "text/grammar.h"

#include <algorithm>

#include "text/ffi_text.h"

namespace engine {
namespace {

// Large published schemas take a tenth of it.
constexpr uint32_t kCompileMilliseconds = 2000;

constexpr size_t kMostKept = 4;
constexpr size_t kMostKeptBytes = 256 << 10;  // of a grammar's text; the largest published schemas have that many

const uint32_t* Ids(std::span<const int32_t> ids) { return reinterpret_cast<const uint32_t*>(ids.data()); }

int FfiKind(OutputGrammar::Kind kind) {
  switch (kind) {
    case OutputGrammar::Kind::kNone:
      return 0;
    case OutputGrammar::Kind::kJsonSchema:
      return kEngineGrammarJsonSchema;
    case OutputGrammar::Kind::kJsonObject:
      return kEngineGrammarJsonObject;
    case OutputGrammar::Kind::kRegex:
      return kEngineGrammarRegex;
    case OutputGrammar::Kind::kChoice:
      return kEngineGrammarChoice;
    case OutputGrammar::Kind::kLark:
      return kEngineGrammarLark;
    case OutputGrammar::Kind::kGbnf:
      return kEngineGrammarGbnf;
  }
  return 0;
}

// Parsers draw where a text went wrong, on lines of their own; errors here are one sentence.
absl::Status OnOneLine(const absl::Status& status) {
  std::string text;
  for (const char c : Message(status)) {
    const bool is_space = c == '\n' || c == ' ';
    if (!is_space || (!text.empty() && text.back() != ' ')) text += is_space ? ' ' : c;
  }
  return status.ok() ? status : absl::Status(status.code(), text);
}

}  // namespace

std::string_view Name(OutputGrammar::Kind kind) {
  switch (kind) {
    case OutputGrammar::Kind::kNone:
      return "none";
    case OutputGrammar::Kind::kJsonSchema:
      return "JSON schema";
    case OutputGrammar::Kind::kJsonObject:
      return "JSON object";
    case OutputGrammar::Kind::kRegex:
      return "regular expression";
    case OutputGrammar::Kind::kChoice:
      return "choice";
    case OutputGrammar::Kind::kLark:
      return "Lark grammar";
    case OutputGrammar::Kind::kGbnf:
      return "GBNF grammar";
  }
  return "unknown";
}

void Grammar::Free::operator()(EngineGrammar* handle) const { engine_grammar_free(handle); }

Grammar::Grammar(EngineGrammar* handle, std::shared_ptr<EngineCompiledGrammar> compiled,
                 std::shared_ptr<GrammarWatch> watch)
    : compiled_(std::move(compiled)),
      handle_(handle),
      budget_(std::move(watch), [handle] { engine_grammar_cancel(handle); }) {}

absl::StatusOr<std::unique_ptr<Grammar>> Grammar::Create(std::shared_ptr<EngineCompiledGrammar> compiled,
                                                         std::shared_ptr<GrammarWatch> watch) {
  EngineGrammar* handle = nullptr;
  EngineTextBuffer error{};
  RETURN_IF_ERROR(TakeStatus(engine_grammar_new(compiled.get(), &handle, &error), error, "grammar"));
  return std::unique_ptr<Grammar>(new Grammar(handle, std::move(compiled), std::move(watch)));
}

absl::StatusOr<bool> Grammar::Mask(std::span<uint32_t> mask) {
  int may_end = 0;
  EngineTextBuffer error{};
  const int code =
      budget_.Spend([&] { return engine_grammar_mask(handle_.get(), mask.data(), mask.size(), &may_end, &error); });
  RETURN_IF_ERROR(TakeStatus(code, error, "grammar"));
  return may_end != 0;
}

absl::StatusOr<int> Grammar::Advance(std::span<const int32_t> tokens) {
  size_t num_accepted = 0;
  EngineTextBuffer error{};
  const int code = budget_.Spend(
      [&] { return engine_grammar_advance(handle_.get(), Ids(tokens), tokens.size(), &num_accepted, &error); });
  RETURN_IF_ERROR(TakeStatus(code, error, "grammar"));
  num_tokens_ += static_cast<int>(num_accepted);
  budget_.Grant(num_tokens_);
  return static_cast<int>(num_accepted);
}

absl::Status Grammar::Rollback(int count) {
  num_tokens_ -= count;
  EngineTextBuffer error{};
  const int code = budget_.Spend([&] { return engine_grammar_rollback(handle_.get(), count, &error); });
  return TakeStatus(code, error, "grammar");
}

absl::StatusOr<std::string> Grammar::Forced() {
  EngineTextBuffer bytes{};
  EngineTextBuffer error{};
  const int code = budget_.Spend([&] { return engine_grammar_forced(handle_.get(), &bytes, &error); });
  RETURN_IF_ERROR(TakeStatus(code, error, "grammar"));
  return TakeBuffer(bytes);
}

absl::StatusOr<std::unique_ptr<GrammarCompiler>> GrammarCompiler::Create(const Tokenizer& tokenizer, int vocab_size,
                                                                         std::span<const int32_t> end_ids) {
  ASSIGN_OR_RETURN(std::shared_ptr<GrammarWatch> watch, GrammarWatch::Start());
  EngineGrammars* handle = nullptr;
  EngineTextBuffer error{};
  const int code = engine_grammars_new(tokenizer.handle(), vocab_size, Ids(end_ids), end_ids.size(), &handle, &error);
  RETURN_IF_ERROR(TakeStatus(code, error, "the tokenizer cannot follow grammars"));
  return std::unique_ptr<GrammarCompiler>(new GrammarCompiler(handle, std::move(watch)));
}

GrammarCompiler::~GrammarCompiler() { engine_grammars_free(handle_); }

absl::StatusOr<std::unique_ptr<Grammar>> GrammarCompiler::Compile(const OutputGrammar& grammar) const {
  std::shared_ptr<EngineCompiledGrammar> compiled = Find(grammar);
  if (compiled == nullptr) {
    EngineCompiledGrammar* handle = nullptr;
    EngineTextBuffer error{};
    const int code =
        engine_grammar_compile(handle_, FfiKind(grammar.kind), Bytes(grammar.text), grammar.text.size(),
                               Bytes(grammar.before), grammar.before.size(), kCompileMilliseconds, &handle, &error);
    RETURN_IF_ERROR(OnOneLine(TakeStatus(code, error, Name(grammar.kind))));
    compiled.reset(handle, engine_compiled_grammar_free);
    Keep(grammar, compiled);
  }
  return Grammar::Create(std::move(compiled), watch_);
}

std::shared_ptr<EngineCompiledGrammar> GrammarCompiler::Find(const OutputGrammar& grammar) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(kept_, grammar, &Kept::source);
  if (found == kept_.end()) return nullptr;
  std::rotate(kept_.begin(), found, found + 1);
  return kept_.front().compiled;
}

void GrammarCompiler::Keep(const OutputGrammar& grammar, const std::shared_ptr<EngineCompiledGrammar>& compiled) const {
  if (grammar.text.size() + grammar.before.size() > kMostKeptBytes) return;
  Kept dropped;  // ends without the lock
  const std::lock_guard lock(mutex_);
  if (std::ranges::find(kept_, grammar, &Kept::source) != kept_.end()) return;  // by a request beside this one
  kept_.push_front({grammar, compiled});
  if (kept_.size() <= kMostKept) return;
  dropped = std::move(kept_.back());
  kept_.pop_back();
}

}  // namespace engine

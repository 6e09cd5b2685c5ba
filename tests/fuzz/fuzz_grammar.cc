// Any grammar of any kind: no crash, no endless compilation, and a walk along its masks takes every token that they allow.
// The first byte of an input says the kind, the rest is the grammar.
#include <random>

#include "core/base/check.h"
#include "core/weights/byte_reader.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/unit/text/small_tokenizers.h"
#include "text/grammar.h"

namespace engine {
namespace {

constexpr int kSteps = 40;
constexpr int32_t kEndOfText = 263;  // of ByteLevelTokenizer

// Nothing where only the end may follow, or the grammar needs more than a token's budget.
std::vector<int32_t> Allowed(Grammar& grammar, int vocab) {
  std::vector<uint32_t> mask((vocab + 31) / 32);
  std::vector<int32_t> ids;
  if (!grammar.Mask(mask).ok()) return ids;
  for (int32_t id = 0; id < vocab; ++id) {
    if (((mask[id / 32] >> id % 32) & 1) != 0 && id != kEndOfText) ids.push_back(id);
  }
  return ids;
}

}  // namespace

void FuzzOne(std::span<const std::byte> bytes) {
  static const auto& tokenizer = *Load(ByteLevelTokenizer()).release();
  static const auto& compiler =
      *GrammarCompiler::Create(tokenizer, tokenizer.vocab_size(), std::vector{kEndOfText})->release();
  if (bytes.empty()) return;
  const auto kind = static_cast<OutputGrammar::Kind>(1 + static_cast<int>(bytes[0]) % 6);
  const auto grammar = compiler.Compile({kind, std::string(AsText(bytes.subspan(1)))});
  if (!grammar.ok()) return;
  std::minstd_rand random(static_cast<unsigned>(bytes.size()));
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<int32_t> allowed = Allowed(**grammar, tokenizer.vocab_size());
    if (allowed.empty()) return;
    const int32_t token = allowed[random() % allowed.size()];
    const auto accepted = (*grammar)->Advance(std::span(&token, 1));
    if (!accepted.ok()) return;
    ENGINE_CHECK(*accepted == 1);
    if (step % 8 != 7) continue;
    ENGINE_CHECK((*grammar)->Rollback(1).ok());
    ENGINE_CHECK(*(*grammar)->Advance(std::span(&token, 1)) == 1);
  }
}

}  // namespace engine

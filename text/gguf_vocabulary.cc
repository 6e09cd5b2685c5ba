#include "text/gguf_vocabulary.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "core/base/json.h"
#include "core/base/utf8.h"
#include "text/gguf_pre_tokenizer.h"

namespace engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kControl = 3;
constexpr int64_t kUserDefined = 4;

// Four times the longest token of a published vocabulary (128 blanks, two bytes each in byte-level spelling). Finding the
// ways to merge a token takes time by the square of its length.
constexpr size_t kMaxTokenBytes = 1024;

constexpr std::string_view kBlank = "\xE2\x96\x81";  // U+2581, how SentencePiece writes a blank

// A tokenizer.json in three parts: the model's long lists are written as text, as a tree of 300,000 nodes takes longer to
// build and to print than the tokenizer itself.
struct TokenizerParts {
  Json rest;
  Json model;          // without its lists
  std::string merges;  // the items of a JSON list
};

// The text in quotes. Tokens are UTF-8, which JSON takes as it is, but for quotes, backslashes and control characters.
void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendMerge(std::string& out, std::string_view left, std::string_view right) {
  out += out.empty() ? "[" : ",[";
  AppendQuoted(out, left);
  out += ',';
  AppendQuoted(out, right);
  out += ']';
}

absl::StatusOr<TokenizerParts> ByteLevelBpe(const GgufVocabulary& vocabulary) {
  ASSIGN_OR_RETURN(const PreTokenizer* pre, FindPreTokenizer(vocabulary.pre));
  TokenizerParts parts{.rest = {{"normalizer", pre->compose ? Json{{"type", "NFC"}} : Json()},
                                {"pre_tokenizer", PreTokenizerJson(*pre)},
                                {"decoder", ByteLevelJson(true)}},
                       .model = {{"type", "BPE"}, {"ignore_merges", pre->whole_words}}};
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    // The separator is the first blank after the first character: byte-level tokens hold no blanks.
    const std::string_view merge = vocabulary.merges[rank];
    const size_t blank = merge.find(' ', 1);
    if (blank == std::string_view::npos) return InvalidArgument("merge %d holds no blank", rank);
    AppendMerge(parts.merges, merge.substr(0, blank), merge.substr(blank + 1));
  }
  return parts;
}

struct ScoredMerge {
  double score;
  int64_t id;  // of the merged token
  size_t cut;
};

// SentencePiece merges the neighbours whose union scores best. As ranks: every way to make a token of two others, by
// falling score.
std::string MergesByScore(const GgufVocabulary& vocabulary) {
  std::unordered_map<std::string_view, int64_t> id_of;
  id_of.reserve(vocabulary.tokens.size());
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) id_of.emplace(vocabulary.tokens[id], id);
  std::vector<ScoredMerge> merges;
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::string_view token = vocabulary.tokens[id];
    if (!vocabulary.types.empty() && vocabulary.types[id] != 1) continue;
    for (size_t cut = 0; cut < token.size();) {
      cut += std::max(1, CodePointLength(token.substr(cut)));
      if (cut >= token.size()) break;
      if (id_of.contains(token.substr(0, cut)) && id_of.contains(token.substr(cut))) {
        merges.push_back({vocabulary.scores[id], static_cast<int64_t>(id), cut});
      }
    }
  }
  std::ranges::sort(merges, [](const ScoredMerge& a, const ScoredMerge& b) {
    return std::tuple(-a.score, a.id, a.cut) < std::tuple(-b.score, b.id, b.cut);
  });
  std::string out;
  for (const ScoredMerge& merge : merges) {
    const std::string_view token = vocabulary.tokens[merge.id];
    AppendMerge(out, token.substr(0, merge.cut), token.substr(merge.cut));
  }
  return out;
}

absl::StatusOr<TokenizerParts> SentencePieceBpe(const GgufVocabulary& vocabulary) {
  if (vocabulary.scores.size() != vocabulary.tokens.size()) {
    return InvalidArgument("tokenizer.ggml.scores has %d entries and tokens %d", vocabulary.scores.size(),
                           vocabulary.tokens.size());
  }
  Json normalizers = Json::array();
  Json decoders = Json::array({{{"type", "Replace"}, {"pattern", {{"String", kBlank}}}, {"content", " "}},
                               {{"type", "ByteFallback"}},
                               {{"type", "Fuse"}}});
  if (vocabulary.add_space_prefix) {
    normalizers.push_back({{"type", "Prepend"}, {"prepend", kBlank}});
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  normalizers.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kBlank}});
  TokenizerParts parts{.rest = {{"normalizer", {{"type", "Sequence"}, {"normalizers", std::move(normalizers)}}},
                                {"pre_tokenizer", Json()},
                                {"decoder", {{"type", "Sequence"}, {"decoders", std::move(decoders)}}}},
                       .model = {{"type", "BPE"}, {"byte_fallback", true}, {"fuse_unk", true}},
                       .merges = MergesByScore(vocabulary)};
  if (vocabulary.unknown >= 0) parts.model["unk_token"] = vocabulary.tokens[vocabulary.unknown];
  return parts;
}

Json AddedTokens(const GgufVocabulary& vocabulary) {
  Json added = Json::array();
  for (size_t id = 0; id < vocabulary.types.size(); ++id) {
    const int64_t type = vocabulary.types[id];
    if (type != kControl && type != kUserDefined) continue;
    added.push_back({{"id", id},
                     {"content", vocabulary.tokens[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", type == kControl}});
  }
  return added;
}

// Puts BOS before a text.
Json BosTemplate(const GgufVocabulary& vocabulary) {
  const std::string_view bos = vocabulary.tokens[vocabulary.bos];
  const Json start = {{"SpecialToken", {{"id", bos}, {"type_id", 0}}}};
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json second = {{"Sequence", {{"id", "B"}, {"type_id", 0}}}};
  return {{"type", "TemplateProcessing"},
          {"single", {start, text}},
          {"pair", {start, text, second}},
          {"special_tokens", {{bos, {{"id", bos}, {"ids", {vocabulary.bos}}, {"tokens", {bos}}}}}}};
}

absl::Status CheckLists(const GgufVocabulary& vocabulary) {
  const auto size = static_cast<int64_t>(vocabulary.tokens.size());
  if (size == 0) return InvalidArgument("tokenizer.ggml.tokens is missing or empty");
  if (!vocabulary.types.empty() && static_cast<int64_t>(vocabulary.types.size()) != size) {
    return InvalidArgument("tokenizer.ggml.token_type has %d entries and tokens %d", vocabulary.types.size(), size);
  }
  if (vocabulary.bos >= size || vocabulary.unknown >= size) {
    return InvalidArgument("the tokenizer's bos or unknown id lies beyond its %d tokens", size);
  }
  std::unordered_map<std::string_view, int64_t> id_of;
  id_of.reserve(vocabulary.tokens.size());
  for (int64_t id = 0; id < size; ++id) {
    const std::string_view token = vocabulary.tokens[id];
    if (token.size() > kMaxTokenBytes) {
      return InvalidArgument("token %d has %d bytes; at most %d are supported", id, token.size(), kMaxTokenBytes);
    }
    if (!CheckUtf8(token).ok()) return InvalidArgument("token %d is not valid UTF-8", id);
    const auto [first, is_new] = id_of.emplace(token, id);
    if (!is_new) return InvalidArgument("tokens %d and %d are both \"%s\"", first->second, id, token);
  }
  return absl::OkStatus();
}

bool AddsBos(const GgufVocabulary& vocabulary) {
  if (vocabulary.add_bos) return *vocabulary.add_bos;
  if (vocabulary.model == "llama") return true;
  const auto pre = FindPreTokenizer(vocabulary.pre);
  return pre.ok() && (*pre)->adds_bos;
}

// An object's text without its closing brace, so that members can follow.
std::string OpenObject(const Json& object) {
  std::string text = JsonText(object);
  text.pop_back();
  return text;
}

std::string Write(const GgufVocabulary& vocabulary, const TokenizerParts& parts) {
  std::string json = OpenObject(parts.rest) + ",\"model\":" + OpenObject(parts.model) + ",\"vocab\":{";
  for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    if (id > 0) json += ',';
    AppendQuoted(json, vocabulary.tokens[id]);
    json += ':';
    json += std::to_string(id);
  }
  return json + "},\"merges\":[" + parts.merges + "]}}";
}

}  // namespace

absl::StatusOr<std::string> TokenizerJson(const GgufVocabulary& vocabulary) {
  RETURN_IF_ERROR(CheckLists(vocabulary));
  absl::StatusOr<TokenizerParts> parts =
      Unimplemented("tokenizer.ggml.model is \"%s\"; gpt2 and llama are supported", vocabulary.model);
  if (vocabulary.model == "gpt2") parts = ByteLevelBpe(vocabulary);
  if (vocabulary.model == "llama") parts = SentencePieceBpe(vocabulary);
  RETURN_IF_ERROR(parts.status());
  parts->rest["version"] = "1.0";
  parts->rest["added_tokens"] = AddedTokens(vocabulary);
  if (AddsBos(vocabulary) && vocabulary.bos >= 0) parts->rest["post_processor"] = BosTemplate(vocabulary);
  return Write(vocabulary, *parts);
}

}  // namespace engine

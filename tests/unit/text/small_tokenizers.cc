#include "tests/unit/text/small_tokenizers.h"

#include "absl/strings/str_format.h"
#include "core/base/check.h"

namespace engine {
namespace {

const std::string kBlank = "\u2581";

const std::vector<std::pair<std::string, std::string>>& Merges() {
  static const auto& merges = *new std::vector<std::pair<std::string, std::string>>{
      {"t", "h"}, {"th", "e"}, {"Ġ", "the"}, {"i", "n"}, {"in", "g"}, {"a", "b"}, {"ab", "c"}};
  return merges;
}

std::string Utf8(int code_point) {
  if (code_point < 0x80) return std::string(1, static_cast<char>(code_point));
  return {static_cast<char>(0xc0 | code_point >> 6), static_cast<char>(0x80 | (code_point & 0x3f))};
}

Json Added(int id, const std::string& text, bool special) {
  return {{"id", id},        {"content", text},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

}  // namespace

std::string ByteSpelling(int byte) {
  const auto prints = [](int b) { return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae; };
  if (prints(byte)) return Utf8(byte);
  int rank = 0;
  for (int b = 0; b < byte; ++b) rank += prints(b) ? 0 : 1;
  return Utf8(256 + rank);
}

Json ByteLevelTokenizer() {
  Json vocab = Json::object(), merges = Json::array(), added = Json::array();
  for (int byte = 0; byte < 256; ++byte) vocab[ByteSpelling(byte)] = byte;
  for (const auto& [left, right] : Merges()) {
    vocab[left + right] = vocab.size();
    merges.push_back({left, right});
  }
  int id = static_cast<int>(vocab.size());
  for (const char* text : {"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<pad>"})
    added.push_back(Added(id++, text, true));
  added.push_back(Added(id, "<think>", false));
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  return {{"version", "1.0"},      {"added_tokens", added},
          {"normalizer", nullptr}, {"pre_tokenizer", byte_level},
          {"decoder", byte_level}, {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}}};
}

Json ByteFallbackTokenizer() {
  Json vocab = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  for (int byte = 0; byte < 256; ++byte) vocab[absl::StrFormat("<0x%02X>", byte)] = vocab.size();
  for (const char* text : {"a", "b", "c", "t", "h", "e", "<", ">", "/", "s", "!"}) vocab[text] = vocab.size();
  vocab[kBlank] = vocab.size();
  Json merges = Json::array();
  const std::vector<std::pair<std::string, std::string>> pairs = {{"t", "h"}, {"th", "e"},   {kBlank, "the"},
                                                                  {"a", "b"}, {kBlank, "a"}, {kBlank, kBlank}};
  for (const auto& [left, right] : pairs) {
    vocab[left + right] = vocab.size();
    merges.push_back({left, right});
  }
  const Json start = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kBlank}};
  const Json restore = {{"type", "Replace"}, {"pattern", {{"String", kBlank}}}, {"content", " "}};
  return {
      {"version", "1.0"},
      {"added_tokens", {Added(0, "<unk>", true), Added(1, "<s>", true), Added(2, "</s>", true)}},
      {"normalizer", {{"type", "Sequence"}, {"normalizers", {{{"type", "Prepend"}, {"prepend", kBlank}}, replace}}}},
      {"pre_tokenizer", nullptr},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single", {start, text}},
        {"pair", {start, text, text}},
        {"special_tokens", {{"<s>", {{"id", "<s>"}, {"ids", {1}}, {"tokens", {"<s>"}}}}}}}},
      {"decoder",
       {{"type", "Sequence"},
        {"decoders",
         {restore,
          {{"type", "ByteFallback"}},
          {{"type", "Fuse"}},
          {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}}},
      {"model",
       {{"type", "BPE"},
        {"unk_token", "<unk>"},
        {"fuse_unk", true},
        {"byte_fallback", true},
        {"vocab", vocab},
        {"merges", merges}}}};
}

Json WithFlags(Json tokenizer, bool lstrip, bool rstrip, bool normalized) {
  for (Json& token : tokenizer["added_tokens"]) {
    if (!token["special"]) continue;
    token["lstrip"] = lstrip;
    token["rstrip"] = rstrip;
    token["normalized"] = normalized;
  }
  return tokenizer;
}

std::unique_ptr<Tokenizer> Load(const Json& json) {
  auto tokenizer = Tokenizer::FromJson(json.dump());
  ENGINE_CHECK(tokenizer.ok());
  return std::move(*tokenizer);
}

std::unique_ptr<GgufLists> ByteLevelLists() {
  auto lists = std::make_unique<GgufLists>();
  const Json json = ByteLevelTokenizer();
  for (const auto& [token, id] : json["model"]["vocab"].items()) lists->tokens.push_back(token);
  for (const Json& token : json["added_tokens"]) lists->tokens.push_back(token["content"]);
  for (const auto& [left, right] : Merges()) lists->merges.push_back(left + " " + right);
  GgufVocabulary& v = lists->vocabulary;
  v.model = "gpt2";
  v.pre = "gpt-2";
  v.tokens.assign(lists->tokens.begin(), lists->tokens.end());
  v.merges.assign(lists->merges.begin(), lists->merges.end());
  v.types.assign(v.tokens.size(), 1);
  for (size_t i = 263; i < 267; ++i) v.types[i] = 3;
  v.types.back() = 4;
  return lists;
}

std::unique_ptr<GgufLists> SentencePieceLists() {
  auto lists = std::make_unique<GgufLists>();
  GgufVocabulary& v = lists->vocabulary;
  v.model = "llama";
  v.bos = 1;
  v.unknown = 0;
  v.add_bos = true;
  const auto add = [&](const std::string& text, double score, int64_t type) {
    lists->tokens.push_back(text);
    v.scores.push_back(score);
    v.types.push_back(type);
  };
  add("<unk>", 0, 2);
  add("<s>", 0, 3);
  add("</s>", 0, 3);
  for (int byte = 0; byte < 256; ++byte) add(absl::StrFormat("<0x%02X>", byte), 0, 6);
  double score = 0;
  for (const std::string& piece :
       {kBlank + "t",     std::string("he"), kBlank + "the",    std::string("in"), std::string("ing"),
        kBlank + "a",     kBlank + kBlank,   std::string("th"), std::string("</"), std::string("s>"),
        kBlank,           std::string("e"),  std::string("t"),  std::string("a"),  std::string("h"),
        std::string("i"), std::string("n"),  std::string("g"),  std::string("s"),  std::string("<"),
        std::string("/"), std::string(">"),  std::string("é")}) {
    add(piece, score--, 1);
  }
  v.tokens.assign(lists->tokens.begin(), lists->tokens.end());
  return lists;
}

std::string RandomText(std::mt19937& random, int max_pieces) {
  static constexpr std::string_view kPieces[] = {"the",  " the", "ing",   "abc", " ",           "  ",     "\n", "\r\n",
                                                 "\t",   "0",    "1234",  "!",   "'s",          "é",      "ß",  "中文",
                                                 "日本", "한",   "עברית", "😀",  "👩‍🚀", "\u0301", "\0"};
  static constexpr std::string_view kSpecial[] = {"<|im_end|>", "<|im_",        "end|>",  "<|",    "|>",
                                                  "im_start",   "<|im_start|>", "<pad>",  "</s>",  "</",
                                                  "s>",         "<s>",          "<",      ">",     "<|endoftext|>",
                                                  "<think>",    "\uFDD0",       "\uFDD1", "\uFDD2"};
  std::string text;
  for (auto count = random() % (static_cast<unsigned>(max_pieces) + 1); count > 0; --count) {
    text += random() % 2 == 0 ? kPieces[random() % std::size(kPieces)] : kSpecial[random() % std::size(kSpecial)];
  }
  return text;
}

}  // namespace engine

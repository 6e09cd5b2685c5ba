#include "benchmarks/serve/dataset.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>

#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kNames[] = {"random", "prefix_repetition", "sharegpt", "custom"};

// Each is one token with its space in front, of GPT-2's vocabulary and of those that came after it.
constexpr std::string_view kWords[] = {
    "the",     "of",     "and",   "to",       "in",    "for",    "is",     "on",     "that", "by",     "this",
    "with",    "you",    "it",    "not",      "or",    "be",     "are",    "from",   "at",   "as",     "your",
    "all",     "have",   "new",   "more",     "an",    "was",    "we",     "will",   "home", "can",    "us",
    "about",   "if",     "page",  "my",       "has",   "search", "free",   "but",    "our",  "one",    "other",
    "do",      "no",     "time",  "they",     "site",  "he",     "up",     "may",    "what", "which",  "their",
    "news",    "out",    "use",   "any",      "there", "see",    "only",   "so",     "his",  "when",   "here",
    "who",     "web",    "also",  "now",      "help",  "get",    "view",   "first",  "been", "would",  "how",
    "were",    "some",   "these", "like",     "than",  "find",   "date",   "back",   "top",  "people", "had",
    "list",    "name",   "just",  "over",     "state", "year",   "day",    "into",   "two",  "health", "world",
    "next",    "used",   "go",    "work",     "last",  "most",   "music",  "data",   "make", "them",   "should",
    "product", "system", "post",  "her",      "city",  "add",    "policy", "number", "such", "please", "support",
    "message", "after",  "best",  "software", "then",  "good",   "video",  "well"};

class RandomWords {
 public:
  explicit RandomWords(uint64_t seed) : random_(seed) {}

  std::string Next(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      if (i > 0) text += ' ';
      text += kWords[Below(std::size(kWords))];
    }
    return text;
  }
  // length · (1 ± ratio), and at least 1.
  int Length(int length, double ratio) {
    const int least = std::max(1, static_cast<int>(std::floor(length * (1 - ratio))));
    const int most = std::max(least, static_cast<int>(std::ceil(length * (1 + ratio))));
    return least + static_cast<int>(Below(static_cast<uint64_t>(most - least) + 1));
  }
  uint64_t Below(uint64_t limit) { return random_() % limit; }

 private:
  std::mt19937_64 random_;  // with no distribution of the library's, whose results are its own
};

std::string Joined(const std::string& prefix, const std::string& rest) {
  return prefix.empty() || rest.empty() ? prefix + rest : prefix + " " + rest;
}

std::vector<LoadRequest> Random(const DatasetOptions& options) {
  RandomWords words(options.seed);
  const std::string prefix = words.Next(options.random_prefix_len);
  std::vector<LoadRequest> requests;
  for (int i = 0; i < options.num_prompts; ++i) {
    const int input = words.Length(options.random_input_len, options.random_range_ratio);
    const int output = words.Length(options.random_output_len, options.random_range_ratio);
    requests.push_back({.prompt = Joined(prefix, words.Next(input)), .max_tokens = output});
  }
  return requests;
}

std::vector<LoadRequest> PrefixRepetition(const DatasetOptions& options) {
  RandomWords words(options.seed);
  std::vector<std::string> prefixes;
  for (int i = 0; i < options.prefix_repetition_num_prefixes; ++i) {
    prefixes.push_back(words.Next(options.prefix_repetition_prefix_len));
  }
  std::vector<LoadRequest> requests;
  for (int i = 0; i < options.num_prompts; ++i) {
    requests.push_back({.prompt = Joined(prefixes[static_cast<size_t>(i) % prefixes.size()],
                                         words.Next(options.prefix_repetition_suffix_len)),
                        .max_tokens = options.prefix_repetition_output_len});
  }
  for (size_t i = requests.size(); i > 1; --i) std::swap(requests[i - 1], requests[words.Below(i)]);
  return requests;
}

int CountWords(const std::string& text) {
  const std::vector<std::string> words = absl::StrSplit(text, absl::ByAnyChar(" \n\t"), absl::SkipEmpty());
  return static_cast<int>(words.size());
}

// Of a turn of a conversation; empty where it has none.
std::string TextOf(const Json& turn) {
  const auto value = turn.find("value");
  return value != turn.end() && value->is_string() ? value->get<std::string>() : "";
}

absl::StatusOr<std::vector<LoadRequest>> ShareGpt(const DatasetOptions& options) {
  std::ifstream file(options.path);
  if (!file) return NotFound("cannot read the data set %s", options.path);
  const Json json = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) return InvalidArgument("%s: not a JSON array of conversations", options.path);
  std::vector<LoadRequest> requests;
  for (const Json& entry : json) {
    const Json turns = entry.is_object() ? entry.value("conversations", Json()) : Json();
    if (!turns.is_array() || turns.size() < 2) continue;
    const std::string question = TextOf(turns[0]), answer = TextOf(turns[1]);
    // vLLM leaves out what is shorter or longer, in tokens.
    const int prompt_words = CountWords(question), answer_words = CountWords(answer);
    if (prompt_words < 4 || answer_words < 4 || prompt_words > 1024 || prompt_words + answer_words > 2048) continue;
    const int output = options.sharegpt_output_len > 0 ? options.sharegpt_output_len : answer_words;
    requests.push_back({.prompt = question, .max_tokens = output});
  }
  return requests;
}

absl::StatusOr<std::vector<LoadRequest>> Custom(const DatasetOptions& options) {
  std::ifstream file(options.path);
  if (!file) return NotFound("cannot read the data set %s", options.path);
  std::vector<LoadRequest> requests;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("prompt") || !json["prompt"].is_string()) {
      return InvalidArgument("%s, line %d: not a JSON object with a text \"prompt\"", options.path, number);
    }
    const Json& length = json.contains("output_tokens") ? json["output_tokens"] : Json(options.custom_output_len);
    if (!length.is_number_integer() || length.get<int>() < 1) {
      return InvalidArgument("%s, line %d: output_tokens is %s; it must be a number above 0", options.path, number,
                             length.dump());
    }
    requests.push_back({.prompt = json["prompt"].get<std::string>(), .max_tokens = length.get<int>()});
  }
  return requests;
}

// As many as asked for: files that have fewer are read again.
absl::StatusOr<std::vector<LoadRequest>> Chosen(const std::vector<LoadRequest>& entries,
                                                const DatasetOptions& options) {
  if (entries.empty()) return InvalidArgument("%s has no requests that can be used", options.path);
  std::vector<LoadRequest> requests;
  for (int i = 0; i < options.num_prompts; ++i) {
    requests.push_back(entries[(static_cast<size_t>(options.first_entry) + i) % entries.size()]);
  }
  return requests;
}

}  // namespace

std::span<const std::string_view> DatasetNames() { return kNames; }

absl::StatusOr<std::vector<LoadRequest>> MakeDataset(const DatasetOptions& options) {
  if (options.name == "random") return Random(options);
  if (options.name == "prefix_repetition") return PrefixRepetition(options);
  auto read = options.name == "sharegpt" ? ShareGpt(options) : Custom(options);
  RETURN_IF_ERROR(read.status());
  return Chosen(*read, options);
}

}  // namespace engine

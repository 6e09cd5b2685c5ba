// Engines over tiny models, requests for them, and answers compared to the bit.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tests/models/tiny_chat_model.h"
#include "tests/support/temp_dir.h"

namespace engine {

// A tiny model on disk, for as long as it lives.
class ModelOnDisk {
 public:
  explicit ModelOnDisk(const TinyChatModel& model);
  const std::string& path() const { return path_; }
  const std::string& directory() const { return directory_.path(); }

 private:
  TempDir directory_;
  std::string path_;
};

// The first `from` of a file, which has one, becomes `to`.
void ReplaceInFile(const std::string& path, const std::string& from, const std::string& to);

// A tiny model in Q8_0, written once for all tests of a program.
const ModelOnDisk& Q8Model();

// A tiny model and its cache.
struct Subject {
  std::string name;
  TinyChatModel model;
  std::string kv_cache_dtype = "auto";
};
std::ostream& operator<<(std::ostream& out, const Subject& subject);

// Every format, two models whose layers form two cache groups, and int8 caches.
std::vector<Subject> Subjects();

// `options` with the model's path and, unless it says otherwise, one thread.
std::unique_ptr<Engine> OpenEngine(const ModelOnDisk& model, EngineOptions options = {});

// Random bytes as tokens; the same for the same seed.
std::vector<int32_t> RandomTokens(uint64_t seed, int count);

// Greedy, past any end, with log-probabilities of the five likeliest tokens.
GenerationRequest Continue(std::vector<int32_t> prompt, int max_tokens);

// Of 1, 14, 27, ... tokens: pairs share a beginning, every other one is drawn, some are scored or penalised.
std::vector<GenerationRequest> VariedRequests(int count, int new_tokens);

// Fails the test where the request fails.
Generation Answer(Engine& engine, const GenerationRequest& request);

// The message of an engine that does not start, one sentence, or of a request that is not taken.
std::string Refusal(EngineOptions options);
std::string Refusal(const ModelOnDisk& model, EngineOptions options = {});
std::string Refusal(Engine& engine, const GenerationRequest& request);

// All at once; answers in the order of the requests.
std::vector<Generation> AnswerTogether(Engine& engine, const std::vector<GenerationRequest>& requests);

// Tokens, texts, ends and the bits of every log-probability. Names the first difference.
void ExpectSame(const Generation& actual, const Generation& expected, const std::string& what);

}  // namespace engine

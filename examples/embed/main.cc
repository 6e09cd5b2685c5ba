// Asks a model one question and prints the answer as it is made: embed MODEL QUESTION [DEVICE]
#include <condition_variable>
#include <cstdio>
#include <mutex>

#include "engine/engine.h"

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: embed MODEL QUESTION [DEVICE]\n");
    return 2;
  }
  auto created = engine::Engine::Create({.model = argv[1], .device = argc > 3 ? argv[3] : "auto"});
  if (!created.ok()) {
    std::fprintf(stderr, "%s\n", created.status().ToString().c_str());
    return 1;
  }
  engine::Engine& engine = **created;

  std::mutex mutex;
  std::condition_variable ended;
  engine::Finish finish = engine::Finish::kNone;
  const auto on_update = [&](const engine::GenerationUpdate& update) {  // runs on the engine's output thread
    std::fputs(update.text.c_str(), stdout);
    std::lock_guard lock(mutex);
    finish = update.finish;
    if (finish != engine::Finish::kNone) ended.notify_one();
  };
  const auto id =
      engine.Submit({.messages = {{"user", argv[2]}}, .sampling = {.temperature = 0, .max_tokens = 64}}, on_update);
  if (!id.ok()) {
    std::fprintf(stderr, "%s\n", id.status().ToString().c_str());
    return 1;
  }
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return finish != engine::Finish::kNone; });
  std::puts("");
  return finish == engine::Finish::kError ? 1 : 0;
}

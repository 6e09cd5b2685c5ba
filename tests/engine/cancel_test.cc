// Requests that end early, engines that go away, and callers on many threads.
#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "gtest/gtest.h"
#include "tests/engine/engine_builders.h"

namespace engine {
namespace {

GenerationRequest Endless(uint64_t seed) {
  return Continue(RandomTokens(seed, 20), SamplingParams::kUntilContextIsFull);
}

// Receives one request's updates; any thread may wait for them.
class Listener {
 public:
  UpdateCallback callback() {
    return [this](const GenerationUpdate& update) {
      std::lock_guard lock(mutex_);
      tokens_ += update.tokens.size();
      EXPECT_EQ(Name(finish_), Name(Finish::kNone)) << "an update after the last one";
      finish_ = update.finish;
      changed_.notify_all();
    };
  }
  void WaitForTokens(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return tokens_ >= count || finish_ != Finish::kNone; });
  }
  Finish WaitForEnd() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finish_ != Finish::kNone; });
    return finish_;
  }
  size_t tokens() {
    std::lock_guard lock(mutex_);
    return tokens_;
  }
  Finish finish() {
    std::lock_guard lock(mutex_);
    return finish_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t tokens_ = 0;
  Finish finish_ = Finish::kNone;
};

RequestId Submit(Engine& engine, const GenerationRequest& request, Listener& listener) {
  const auto id = engine.Submit(request, listener.callback());
  EXPECT_TRUE(id.ok()) << id.status();
  return id.ok() ? *id : -1;
}

TEST(Cancel, WaitingRequestEndsWithoutTokens) {
  const auto engine = OpenEngine(Q8Model(), {.max_num_seqs = 1});
  Listener running, waiting;
  const RequestId first = Submit(*engine, Endless(1), running);
  engine->Cancel(Submit(*engine, Endless(2), waiting));
  EXPECT_EQ(waiting.WaitForEnd(), Finish::kCancelled);
  EXPECT_EQ(waiting.tokens(), 0u);
  engine->Cancel(first);
  running.WaitForEnd();  // its context may have been full before
}

// Steps of one token: the prompt of 400 takes 400 steps.
TEST(Cancel, PromptBeingReadEndsWithoutTokens) {
  const auto engine = OpenEngine(Q8Model(), {.max_num_seqs = 1, .max_num_batched_tokens = 1});
  Listener listener;
  engine->Cancel(Submit(*engine, Continue(RandomTokens(1, 400), 10), listener));
  EXPECT_EQ(listener.WaitForEnd(), Finish::kCancelled);
  EXPECT_EQ(listener.tokens(), 0u);
}

TEST(Cancel, AnswerBeingMadeEndsWhereItIs) {
  const auto engine = OpenEngine(Q8Model());
  Listener listener;
  const RequestId id = Submit(*engine, Endless(1), listener);
  listener.WaitForTokens(3);
  engine->Cancel(id);
  EXPECT_EQ(listener.WaitForEnd(), Finish::kCancelled);
  EXPECT_LT(listener.tokens(), 492u);
}

TEST(Cancel, EndedAndUnknownRequestsAreIgnored) {
  const auto engine = OpenEngine(Q8Model());
  Listener listener;
  const RequestId id = Submit(*engine, Continue({1}, 1), listener);
  EXPECT_EQ(listener.WaitForEnd(), Finish::kLength);
  engine->Cancel(id);
  engine->Cancel(id + 100);
  EXPECT_EQ(Answer(*engine, Continue({1}, 2)).tokens.size(), 2u);
}

TEST(Cancel, CallbackMayCancelItsOwnRequest) {
  const auto engine = OpenEngine(Q8Model());
  Listener listener;
  std::atomic<RequestId> own = -1;
  const auto forward = listener.callback();
  const auto id = engine->Submit(Endless(1), [&](const GenerationUpdate& update) {
    own.wait(-1);
    if (update.finish == Finish::kNone) engine->Cancel(own);
    forward(update);
  });
  ASSERT_TRUE(id.ok()) << id.status();
  own = *id;
  own.notify_all();
  EXPECT_EQ(listener.WaitForEnd(), Finish::kCancelled);
}

TEST(Cancel, OthersGoOnAsIfAlone) {
  const auto engine = OpenEngine(Q8Model(), {.enable_prefix_caching = false});
  const GenerationRequest request = Continue(RandomTokens(5, 30), 60);
  const Generation alone = Answer(*engine, request);
  Listener cancelled;
  const RequestId id = Submit(*engine, Endless(6), cancelled);
  std::thread canceller([&] {
    cancelled.WaitForTokens(10);
    engine->Cancel(id);
  });
  ExpectSame(Answer(*engine, request), alone, "beside a cancelled one");
  canceller.join();
  EXPECT_EQ(cancelled.WaitForEnd(), Finish::kCancelled);
}

TEST(Cancel, FreesWhatTheRequestHeld) {
  const auto engine = OpenEngine(Q8Model(), {.max_model_len = 128, .max_num_seqs = 1, .enable_prefix_caching = false});
  for (int i = 0; i < 20; ++i) {
    Listener listener;
    const RequestId id = Submit(*engine, Continue(RandomTokens(i, 100), 28), listener);
    listener.WaitForTokens(1);
    engine->Cancel(id);
    EXPECT_NE(listener.WaitForEnd(), Finish::kNone);
  }
  EXPECT_EQ(Answer(*engine, Continue(RandomTokens(1, 100), 28)).tokens.size(), 28u);
}

TEST(Destruction, EndsEveryRequest) {
  Listener listeners[6];
  auto engine = OpenEngine(Q8Model(), {.max_num_seqs = 2});
  for (int r = 0; r < 6; ++r) Submit(*engine, Endless(r), listeners[r]);
  listeners[0].WaitForTokens(2);
  engine.reset();
  for (Listener& listener : listeners) EXPECT_EQ(listener.finish(), Finish::kCancelled);
}

// A caller that asks again when its request ends is refused once the engine goes away.
TEST(Destruction, CallbackThatSubmitsAgainIsRefused) {
  auto engine = OpenEngine(Q8Model());
  Engine* const raw = engine.get();
  std::atomic<int> refused = 0;
  Listener listeners[4];
  for (Listener& listener : listeners) {
    const auto forward = listener.callback();
    const auto id = engine->Submit(Endless(1), [&, forward](const GenerationUpdate& update) {
      if (update.finish == Finish::kCancelled) {
        for (int again = 0; again < 20; ++again) {
          const auto added = raw->Submit(Endless(1), [](const GenerationUpdate&) {});
          if (absl::IsUnavailable(added.status())) ++refused;
        }
      }
      forward(update);
    });
    ASSERT_TRUE(id.ok()) << id.status();
  }
  listeners[0].WaitForTokens(1);
  engine.reset();
  EXPECT_EQ(refused, 4 * 20);
}

// Submits a request where the last copy of it goes, and tells whether that was taken.
std::pair<std::shared_ptr<void>, std::shared_future<bool>> SubmitsWhenItGoes(Engine& engine) {
  const auto taken = std::make_shared<std::promise<bool>>();
  const auto submit = [&engine, taken](void*) {
    taken->set_value(engine.Submit(Continue({1}, 1), [](const GenerationUpdate&) {}).ok());
  };
  return {std::shared_ptr<void>(nullptr, submit), taken->get_future().share()};
}

TEST(Callbacks, MaySubmitWhenTheyAreDestroyed) {
  const auto engine = OpenEngine(Q8Model());
  auto [held, taken] = SubmitsWhenItGoes(*engine);
  const auto id = engine->Submit(Continue({1}, 2), [held = std::move(held)](const GenerationUpdate&) {});
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_TRUE(taken.get());
}

TEST(Callbacks, AfterUpdatesMaySubmitWhenAnotherTakesTheirPlace) {
  const auto engine = OpenEngine(Q8Model());
  for (const bool was_called : {false, true}) {
    auto [held, taken] = SubmitsWhenItGoes(*engine);
    engine->SetAfterUpdates([held = std::move(held)] {});
    if (was_called) Answer(*engine, Continue({1}, 2));
    engine->SetAfterUpdates([] {});
    EXPECT_TRUE(taken.get());
  }
}

TEST(Threads, ManyCallersGetTheAnswersTheyGetAlone) {
  constexpr int kCallers = 8;
  const auto engine = OpenEngine(Q8Model(), {.threads = 2, .max_num_seqs = 4});
  std::vector<GenerationRequest> requests;
  std::vector<Generation> alone, together(kCallers);
  requests.reserve(kCallers);
  for (int c = 0; c < kCallers; ++c) requests.push_back(Continue(RandomTokens(c, 5 + 7 * c), 12));
  alone.reserve(kCallers);
  for (const GenerationRequest& request : requests) alone.push_back(Answer(*engine, request));
  std::vector<std::jthread> callers;
  callers.reserve(kCallers);
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([&, c] {
      Listener cancelled;
      engine->Cancel(Submit(*engine, Endless(c), cancelled));
      together[c] = Answer(*engine, requests[c]);
      EXPECT_EQ(cancelled.WaitForEnd(), Finish::kCancelled);
    });
  }
  callers.clear();
  for (int c = 0; c < kCallers; ++c) ExpectSame(together[c], alone[c], "caller " + std::to_string(c));
}

TEST(Threads, TwoEnginesRunAtOnce) {
  const auto one = OpenEngine(Q8Model(), {.threads = 2}), other = OpenEngine(Q8Model());
  const GenerationRequest request = Continue(RandomTokens(1, 30), 40);
  Generation of_other;
  std::thread thread([&] { of_other = Answer(*other, request); });
  const Generation of_one = Answer(*one, request);
  thread.join();
  ExpectSame(of_other, of_one, "the other engine");
}

}  // namespace
}  // namespace engine

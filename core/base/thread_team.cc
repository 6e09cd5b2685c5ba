#include "core/base/thread_team.h"

#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/base/affinity.h"
#include "core/base/cgroup.h"
#include "core/base/check.h"
#include "core/base/thread_name.h"

namespace engine {
namespace {

void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Pauses before sleeping, about 50 us: a barrier inside a step, and the next step of a busy engine, come sooner. When
// they do not, a core was taken away or the engine is idle, and spinning would only keep the late worker from running.
constexpr int kSpins = 2000;

}  // namespace

void Signal::Await(uint32_t wanted) {
  for (;;) {
    for (int i = 0; i < kSpins; ++i) {
      if (value() == wanted) return;
      Pause();
    }
    ++sleepers_;
    if (const uint32_t now = value_.load(); now != wanted) value_.wait(now);
    --sleepers_;
  }
}

int ThreadTeam::AllowedThreads() {
  const int cpus = std::max<int>(1, static_cast<int>(AllowedCpus().size()));
  return std::min(cpus, CgroupCpus().value_or(cpus));
}

absl::StatusOr<std::unique_ptr<ThreadTeam>> ThreadTeam::Create(const ThreadTeamOptions& options) {
  if (options.num_threads < 1 || options.num_threads > 1024) {
    return InvalidArgument("threads is %d; give 1 to 1024", options.num_threads);
  }
  std::unique_ptr<ThreadTeam> team(new ThreadTeam(options.num_threads));
  const std::vector<int> cpus = AllowedCpus();
  std::vector<CpuPlace> places;
  if (options.pin && options.num_threads == std::ssize(cpus)) places = PlaceCpus(cpus, options.system_devices);
  for (const CpuPlace& place : places) team->nodes_.push_back(place.node);
  for (int index = 1; index < options.num_threads; ++index) {
    try {
      team->threads_.emplace_back([raw = team.get(), index] { raw->ThreadLoop(raw->seats_[index]); });
    } catch (const std::system_error& error) {
      return ResourceExhausted("thread %d of %d cannot be started: %s; ask for fewer", index + 1, options.num_threads,
                               error.what());
    }
    if (!places.empty()) PinThread(team->threads_.back().native_handle(), places[index].cpu);
  }
  return team;
}

ThreadTeam::~ThreadTeam() {
  stop_ = true;
  for (Seat& seat : seats_) seat.dispatches.Increment();
}

void ThreadTeam::Run(int workers, const std::function<void(Worker&)>& fn) {
  ENGINE_CHECK(workers >= 1 && workers <= num_threads_);
  work_ = &fn;
  running_workers_ = workers;
  running_.Set(workers - 1);
  arrived_.store(0, std::memory_order_relaxed);
  sense_.Set(0);
  for (int index = 1; index < workers; ++index) {
    Seat& seat = seats_[index * num_threads_ / workers];
    seat.worker = index;
    seat.dispatches.Increment();
  }
  Worker worker(0, workers, this, phase_);
  fn(worker);
  running_.Await(0);
  phase_ = worker.phase_ + 1;
}

void ThreadTeam::ThreadLoop(Seat& seat) {
  NameThread("compute");
  for (uint32_t called = 1;; ++called) {
    seat.dispatches.Await(called);
    if (stop_) return;
    Worker worker(seat.worker, running_workers_, this, phase_);
    (*work_)(worker);
    running_.CountDown();
  }
}

bool Worker::Arrive() {
  ++phase_;
  loop_ = 0;
  sense_ = 1 - sense_;
  return count_ == 1 || team_->arrived_.fetch_add(1, std::memory_order_acq_rel) == count_ - 1;
}

void Worker::Release() {
  if (count_ == 1) return;
  team_->arrived_.store(0, std::memory_order_relaxed);
  team_->sense_.Set(sense_);
}

void Worker::Await() { team_->sense_.Await(sense_); }

Worker::Taken Worker::Take(int owner, int64_t size, End end) {
  std::atomic<uint64_t>& state = team_->shares_[loop_ * count_ + owner].state;
  const uint64_t fresh = uint64_t{phase_} << 32;
  uint64_t seen = state.load(std::memory_order_relaxed);
  for (;;) {
    const uint64_t now = seen >> 32 == phase_ ? seen : fresh;
    const auto front = static_cast<int64_t>(now >> 16 & 0xffff), back = static_cast<int64_t>(now & 0xffff);
    const int64_t left = size - front - back;
    if (left <= 0) return {};
    const int64_t count = end == End::kFront ? std::max<int64_t>(1, left / 8) : 1;
    const uint64_t next = now + (static_cast<uint64_t>(count) << (end == End::kFront ? 16 : 0));
    if (state.compare_exchange_weak(seen, next, std::memory_order_relaxed)) {
      return {count, end == End::kFront ? front : back};
    }
  }
}

}  // namespace engine

// What the bodies of a server's requests take together: of those that are coming and of those that nobody has read yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace engine {

class BodyBudget {
 public:
  // Bodies of up to so many bytes are not counted, so that large ones keep nobody else out.
  static constexpr int64_t kSmallBytes = int64_t{64} << 10;

  explicit BodyBudget(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // One body's part of it, given back when this goes.
  class Share {
   public:
    explicit Share(std::shared_ptr<BodyBudget> budget) : budget_(std::move(budget)) {}
    ~Share() { budget_->bytes_ -= bytes_; }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // Whether there is room for a body of that size. One thread at a time.
    bool GrowTo(int64_t bytes) {
      if (bytes <= kSmallBytes) return true;
      const int64_t more = bytes - bytes_;
      bytes_ = bytes;
      return (budget_->bytes_ += more) <= budget_->max_bytes_;
    }

   private:
    const std::shared_ptr<BodyBudget> budget_;  // requests may outlive their server
    int64_t bytes_ = 0;
  };

 private:
  const int64_t max_bytes_;
  std::atomic<int64_t> bytes_ = 0;
};

}  // namespace engine

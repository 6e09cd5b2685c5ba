#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_format.h"

namespace engine {
namespace {

using std::chrono::milliseconds;

// A bar may appear soon and move smoothly; lines stay in a log for ever.
milliseconds Interval(bool terminal) { return terminal ? milliseconds(100) : milliseconds(5000); }

}  // namespace

bool IsTerminal(int file_descriptor) { return isatty(file_descriptor) == 1; }

Progress::Progress(std::string label)
    : label_(std::move(label)), terminal_(IsTerminal(STDERR_FILENO)), next_(Clock::now() + Interval(terminal_)) {}

Progress::~Progress() {
  if (drawn_ && terminal_) std::fputs("\r\033[K", stderr);
}

void Progress::Update(int64_t done, int64_t total) {
  const Clock::time_point now = Clock::now();
  if (now < next_ || total <= 0) return;
  next_ = now + Interval(terminal_);
  drawn_ = true;
  const int percent = static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total));
  if (!terminal_) {
    absl::FPrintF(stderr, "%s: %d %%\n", label_, percent);
    return;
  }
  constexpr int kBarCells = 30;
  const int filled = std::clamp(percent * kBarCells / 100, 0, kBarCells);
  absl::FPrintF(stderr, "\r%s [%s%s] %3d %%", label_, std::string(filled, '#'), std::string(kBarCells - filled, ' '),
                percent);
  std::fflush(stderr);
}

}  // namespace engine

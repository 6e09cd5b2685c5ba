// What the kernel alone takes of a streamed token: a thread that is woken for each step and writes the bytes of one event
// to every connection, with nothing to do for them, while another core reads memory as a model would. It writes as the
// server does, to all in one system call, or by a send for each.
//
//   send_probe [--streams=8] [--step_ms=12] [--steps=200] [--one_by_one]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <semaphore>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_format.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "server/http/socket_writer.h"

ABSL_FLAG(int, streams, 8, "connections");
ABSL_FLAG(double, step_ms, 12, "time between two tokens of a stream");
ABSL_FLAG(int, steps, 200, "tokens of each stream");
ABSL_FLAG(bool, one_by_one, false, "a send for each stream");

namespace engine {
namespace {

constexpr int kEngineCore = 0, kOtherCore = 1;
constexpr size_t kEventBytes = 230;  // of a chat answer's, with its chunk's head
constexpr size_t kModelBytes = size_t{100} << 20;

void PinTo(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof(cores), &cores);
}

// Reads what comes until it is killed.
[[noreturn]] void BeClients(const sockaddr_in& server, int streams) {
  const int epoll = epoll_create1(0);
  for (int i = 0; i < streams; ++i) {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    ENGINE_CHECK(connect(client, reinterpret_cast<const sockaddr*>(&server), sizeof(server)) == 0);
    epoll_event event = {.events = EPOLLIN, .data = {.fd = client}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
  }
  std::array<epoll_event, 256> events;
  std::array<char, 4096> bytes;
  while (true) {
    const int ready = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) (void)!read(events[i].data.fd, bytes.data(), bytes.size());
  }
}

// The engine's part: reads memory for as long as a step takes, again and again.
void RunSteps(std::binary_semaphore& wake) {
  PinTo(kEngineCore);
  const std::vector<int64_t> memory(kModelBytes / sizeof(int64_t), 1);
  volatile int64_t sum = 0;
  size_t place = 0;
  for (int step = 0; step < absl::GetFlag(FLAGS_steps); ++step) {
    for (const TimePoint start = Now(); SecondsSince(start) * 1e3 < absl::GetFlag(FLAGS_step_ms);) {
      for (int i = 0; i < 4096; ++i) sum = sum + memory[place = (place + 8) % memory.size()];
    }
    wake.release();
  }
}

void Probe() {
  const int streams = absl::GetFlag(FLAGS_streams), steps = absl::GetFlag(FLAGS_steps);
  PinTo(kOtherCore);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(address);
  ENGINE_CHECK(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(listener, streams) == 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const pid_t clients = fork();
  if (clients == 0) BeClients(address, streams);
  std::vector<int> sockets(streams);
  for (int& socket : sockets) socket = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
  std::binary_semaphore wake(0);
  std::jthread engine([&] { RunSteps(wake); });
  const std::array<char, kEventBytes> bytes = {};
  const std::string_view event(bytes.data(), bytes.size());
  std::vector<SocketWrite> writes;
  for (const int socket : sockets) writes.push_back({.socket = socket, .bytes = event});
  SocketWriter writer;
  const double before = ThreadSeconds();
  for (int step = 0; step < steps; ++step) {
    wake.acquire();
    if (absl::GetFlag(FLAGS_one_by_one)) {
      for (const int socket : sockets) WriteAtOnce(socket, event);
    } else {
      for (size_t at = 0; at < writes.size(); at += SocketWriter::kMostAtOnce) {
        writer.Write(std::span(writes).subspan(at, std::min(writes.size() - at, SocketWriter::kMostAtOnce)));
      }
    }
  }
  const double micros = (ThreadSeconds() - before) * 1e6;
  kill(clients, SIGKILL);
  waitpid(clients, nullptr, 0);
  absl::PrintF("%d streams, a token each %g ms: %.1f us of CPU per token\n", streams, absl::GetFlag(FLAGS_step_ms),
               micros / steps / streams);
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  engine::Probe();
}

// roof_probe THREADS: for each line on standard input, what the machine can do at this moment, as a line of JSON.
// benchmarks/compare runs it before and after every figure, ours and the peers'.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "benchmarks/machine_probe.h"

namespace engine {
namespace {

// Eight times the 32 MB of last cache that servers have beside a few cores; read in about 10 ms.
constexpr size_t kReadBytes = size_t{256} << 20;

absl::Status AnswerProbes(int threads) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ThreadTeam> team, ThreadTeam::Create({.num_threads = threads, .pin = true}));
  ASSIGN_OR_RETURN(const cpu::Isa isa, cpu::DetectIsa());
  const std::vector<std::byte> bytes(kReadBytes, std::byte{1});
  for (std::string line; std::getline(std::cin, line);) {
    absl::PrintF("{\"isa\": \"%s\", \"read\": %.0f, \"int8\": %.0f, \"bf16\": %.0f}\n", cpu::Name(isa),
                 ReadRate(*team, isa, bytes), Int8Rate(*team, isa), Bf16Rate(*team, isa));
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  const int threads = argc == 2 ? std::atoi(argv[1]) : 0;
  const absl::Status status = engine::AnswerProbes(threads);
  if (!status.ok()) absl::FPrintF(stderr, "roof_probe: %s\n", engine::Message(status));
  return status.ok() ? 0 : 1;
}

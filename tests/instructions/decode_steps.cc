// Makes tokens with a tiny model on one thread, for instruction_count_test.py to count: decode_steps FORMAT TOKENS
#include <cstdio>
#include <cstdlib>

#include "benchmarks/speed_run.h"
#include "tests/models/tiny_chat_model.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

absl::Status Decode(DType format, int tokens) {
  const TempDir directory;
  ASSIGN_OR_RETURN(const std::string path, WriteTinyChatModel({.weights = format}, directory.path()));
  const SpeedTest test = {.generated_tokens = tokens};
  EngineOptions options{.model = path, .threads = 1};
  ASSIGN_OR_RETURN(const std::unique_ptr<BenchModel> model, BenchModel::Create(options, {test}));
  ASSIGN_OR_RETURN(SpeedRun run, SpeedRun::Create(*model, test, /*seed=*/1));
  RETURN_IF_ERROR(run.Begin());
  return run.Slice(tokens).status();
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::optional<engine::DType> format = engine::ParseDType(argv[1]);
  if (!format) return 2;
  const absl::Status status = engine::Decode(*format, std::atoi(argv[2]));
  if (!status.ok()) std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}

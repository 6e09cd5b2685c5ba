// Writes tiny models for tests of the program: write_tiny_models DIRECTORY makes DIRECTORY/tiny.gguf (q8_0) and the
// Hugging Face directory DIRECTORY/hf (bf16), whose author recommends to take the likeliest token.
#include <cstdio>
#include <filesystem>

#include "tests/models/tiny_chat_model.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path directory(argv[1]);
  std::filesystem::create_directories(directory / "hf");
  const auto gguf = engine::WriteTinyChatModel({.weights = engine::DType::kQ8_0}, directory.string());
  const auto hf = engine::WriteTinyChatModel(
      {.weights = engine::DType::kBF16, .generation_config = R"({"temperature": 0})"}, (directory / "hf").string());
  if (gguf.ok() && hf.ok()) return 0;
  std::fprintf(stderr, "%s\n", (gguf.ok() ? hf : gguf).status().ToString().c_str());
  return 1;
}

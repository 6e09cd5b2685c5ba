// Writes the seed inputs of the fuzz targets: write_corpus DIRECTORY makes DIRECTORY/{gguf,safetensors,packed,config,
// tokenizer,template,output,api,http,grammar}.
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/files.h"
#include "core/weights/packed_file.h"
#include "core/weights/safetensors_writer.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/int4_writer.h"
#include "tests/unit/text/goldens.h"
#include "tests/unit/text/output_parser/fixtures.h"
#include "tests/unit/text/small_tokenizers.h"

namespace engine {
namespace {

void Write(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  ENGINE_CHECK(WriteFile(path, bytes).ok());
}

std::vector<float> Ramp(size_t size) {
  std::vector<float> values(size);
  std::iota(values.begin(), values.end(), -4.0f);
  return values;
}

// One file per tensor type, and one with every kind of value.
void WriteGguf(const std::filesystem::path& dir) {
  for (const DType dtype :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
        DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS}) {
    const int64_t row = Info(dtype).block_values;
    GgufWriter writer;
    writer.Set("general.alignment", 32u).AddTensor("w", dtype, {2, row}, Ramp(static_cast<size_t>(2 * row)));
    writer.AddTensor("norm", DType::kF32, {2}, Ramp(2));
    Write(dir / std::string(Name(dtype)), writer.Bytes());
  }
  GgufWriter writer;
  writer.Set("a", uint8_t{1}).Set("b", int16_t{-1}).Set("c", uint64_t{7}).Set("d", 0.5).Set("e", true).Set("f", "text");
  writer.Set("g", std::vector<std::string>{"x", "yz"}).Set("h", std::vector<float>{1, 2});
  writer.Set("i", std::vector<int32_t>{1, 2}).AddTensor("w", DType::kF32, {1}, Ramp(1));
  Write(dir / "values", writer.Bytes());
  Write(dir / "split", writer.Bytes(0, 2));
  GgufWriter model;
  model.Set("general.architecture", "llama").Set("llama.block_count", 2u).Set("llama.embedding_length", 64u);
  model.Set("llama.feed_forward_length", 96u).Set("llama.attention.head_count", 4u).Set("llama.context_length", 64u);
  model.Set("llama.rope.dimension_count", 16u).Set("llama.attention.key_length", 16u);
  model.Set("llama.rope.scaling.type", "yarn").Set("llama.rope.scaling.factor", 4.0f);
  model.AddTensor("w", DType::kF32, {1}, Ramp(1));
  Write(dir / "model", model.Bytes());
  GgufWriter scaling;
  scaling.Set("general.architecture", "llama").Set("llama.rope.scaling.type", "linear");
  scaling.Set("llama.rope.scaling.attn_factor", "\xff").AddTensor("w", DType::kF32, {1}, Ramp(1));
  Write(dir / "scaling", scaling.Bytes());
}

void WriteSafetensors(const std::filesystem::path& dir) {
  SafetensorsWriter writer;
  writer.AddTensor("a", DType::kBF16, {2, 3}, Ramp(6)).AddTensor("b", DType::kF32, {2}, Ramp(2));
  writer.AddTensor("c", DType::kF16, {}, Ramp(1)).AddRaw("d", "I64", {1}, std::string(8, '\0'));
  Write(dir / "types", writer.Bytes());
  std::vector<std::byte> rows(8 * RowBytes(DType::kW4G32, 64));
  for (const Int4Scheme scheme : {Int4Scheme::kCompressed, Int4Scheme::kAwq, Int4Scheme::kGptqV2}) {
    SafetensorsWriter int4;
    AddInt4({"w", 8, 64, DType::kW4G32, rows}, scheme, int4);
    Write(dir / absl::StrFormat("int4_%d", static_cast<int>(scheme)), int4.Bytes());
  }
  Write(dir / "empty", SafetensorsWriter::Assemble(R"({"__metadata__":{"format":"pt"}})", ""));
}

void WritePackedFiles(const std::filesystem::path& dir) {
  const std::vector<float> values = Ramp(32);
  const std::span<const std::byte> data = std::as_bytes(std::span(values));
  const std::string config = R"({"hidden_size":64})";
  const EmbeddedFile files[] = {{"config.json", std::as_bytes(std::span(config))}};
  const SourceTensor tensors[] = {{"norm", DType::kF32, {2, 16}, data},
                                  {"q", DType::kQ4_0, {32}, data.first(64), PackedLayout{"panel16", 1}}};
  std::string bytes;
  const auto append = [&bytes](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
    return absl::OkStatus();
  };
  if (WritePacked(files, tensors, append).ok()) Write(dir / "two", bytes);
}

void WriteConfig(const std::filesystem::path& dir) {
  Write(dir / "config",
        R"({"model_type":"llama","rope_scaling":{"factor":8.0},"eos_token_id":[1,2],"tie":false,"x":null})");
  Write(dir / "model",
        R"({"num_hidden_layers":3,"hidden_size":64,"intermediate_size":96,"num_attention_heads":4,)"
        R"("num_key_value_heads":2,"vocab_size":100,"head_dim":16,"hidden_act":"silu","rms_norm_eps":1e-5,)"
        R"("sliding_window":8,"use_sliding_window":true,"max_window_layers":2,"tie_word_embeddings":true})");
  Write(dir / "rope",
        R"({"num_hidden_layers":1,"hidden_size":64,"intermediate_size":96,"num_attention_heads":4,"vocab_size":100,)"
        R"("layer_types":["sliding_attention"],"sliding_window":8,"rope_parameters":{"rope_type":"llama3",)"
        R"("factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":16,)"
        R"("rope_theta":1e4,"partial_rotary_factor":0.5}})");
  Write(dir / "index", R"({"metadata":{"total_size":4},"weight_map":{"w":"model-00001-of-00002.safetensors"}})");
}

// The first line is text to encode.
void WriteTokenizer(const std::filesystem::path& dir) {
  const std::string text = "the abc  12 \u00e9\u4e2d <|im_end|></s>\n";
  Write(dir / "byte_level", text + ByteLevelTokenizer().dump());
  Write(dir / "byte_fallback", text + ByteFallbackTokenizer().dump());
  Write(dir / "flags", text + WithFlags(ByteLevelTokenizer(), true, true, true).dump());
  const Json goldens = ReadGoldens("vocabularies.json");
  for (const Json& golden : goldens["cases"]) {
    const Json& lists = golden["vocabulary"];
    Write(dir / (lists["model"].get<std::string>() + "." + lists["pre"].get<std::string>()), text + lists.dump());
  }
  Write(dir / "word_level", text + R"({"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"},
    "normalizer": {"type": "Replace", "pattern": {"Regex": "b+"}, "content": "x"},
    "model": {"type": "WordLevel", "vocab": {"the": 0, "?": 1}, "unk_token": "?"}})");
  Write(dir / "unigram", text + R"({"version": "1.0", "added_tokens": [], "normalizer": {"type": "NFKC"},
    "pre_tokenizer": {"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": true},
    "model": {"type": "Unigram", "unk_id": 0, "vocab": [["?", 0.0], ["th", -1.5], ["e", -2.0]], "byte_fallback": false}})");
}

// The first line is what a user says.
void WriteTemplate(const std::filesystem::path& dir) {
  const std::string said = "<think>a</think> <|im_end|>\n";
  for (const char* name : {"chatml", "llama3", "qwen3", "mistral", "gemma"}) {
    Write(dir / name, said + ReadText(std::string("templates/") + name + ".jinja"));
  }
  for (const Json& golden : ReadGoldens("templates.json")) {
    if (golden.contains("source"))
      Write(dir / golden["name"].get<std::string>(), said + golden["source"].get<std::string>());
  }
}

// The first byte chooses the formats, the second where the text is cut.
void WriteOutputs(const std::filesystem::path& dir) {
  const std::vector<OutputFixture> fixtures = OutputFixtures();
  for (size_t i = 0; i < fixtures.size(); ++i) {
    Write(dir / std::to_string(i), std::string(1, static_cast<char>(i)) + "\7" + fixtures[i].text);
  }
}

// A body for each route that takes one; its first byte says which, in the order of the API's.
void WriteApi(const std::filesystem::path& dir) {
  const auto chat = R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]},
    {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function",
      "function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "1", "content": "b"}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}], "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"schema": {}}}, "logit_bias": {"1": -1}, "stop": ["x"],
    "stream": true, "stream_options": {"include_usage": true}, "logprobs": true, "top_logprobs": 2, "n": 2})";
  Write(dir / "chat", '\0' + std::string(chat));
  Write(dir / "render", '\6' + std::string(chat));
  Write(dir / "completion",
        "\1"
        R"({"prompt": [[1, 2], [3]], "echo": true, "logprobs": 1, "max_tokens": 0,
    "structured_outputs": {"choice": ["a"]}, "seed": 1})");
  const auto messages = R"({"max_tokens": 1, "system": [{"type": "text", "text": "s"}], "messages": [
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "t"},
      {"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "a"}]}],
    "tools": [{"name": "f", "input_schema": {}}], "thinking": {"type": "enabled", "budget_tokens": 1}})";
  Write(dir / "messages", '\3' + std::string(messages));
  Write(dir / "count_tokens", '\4' + std::string(messages));
  Write(dir / "responses",
        "\2"
        R"({"instructions": "i", "input": [{"role": "user", "content": "a"},
    {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "r"}]},
    {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "1", "output": "b"}], "text": {"format": {"type": "text"}},
    "tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "f"}})");
  Write(dir / "embeddings",
        "\5"
        R"({"input": ["a", "b"], "encoding_format": "base64", "truncate_prompt_tokens": 1})");
  Write(dir / "tokenize",
        "\7"
        R"({"prompt": "a", "return_token_strs": true, "add_special_tokens": false})");
  Write(dir / "tokenize_chat",
        "\7"
        R"({"messages": [{"role": "user", "content": "a"}], "tools": []})");
  Write(dir / "detokenize",
        "\10"
        R"({"tokens": [65, 66]})");
}

// The first byte says in which pieces the others arrive.
void WriteHttp(const std::filesystem::path& dir) {
  Write(dir / "get", "\x05GET /a?b=c HTTP/1.1\r\nhost: h\r\norigin: https://page\r\n\r\n");
  Write(dir / "post",
        "\x07POST /b/x%20y HTTP/1.1\r\nhost: h\r\nx-api-key: key\r\ncontent-length: 3\r\n\r\nabcOPTIONS /a "
        "HTTP/1.0\r\n\r\n");
  Write(dir / "chunks",
        "\x01PUT /b/ HTTP/1.1\r\nhost: h\r\nauthorization: Bearer key\r\ntransfer-encoding: chunked\r\n\r\n3\r\n"
        "abc\r\n2;x=y\r\nde\r\n0\r\ntrailer: t\r\n\r\n");
  Write(dir / "tls", "\x10\x16\x03\x01\x02");
}

// The first byte is the kind, less one.
void WriteGrammar(const std::filesystem::path& dir) {
  const char* seeds[] = {
      R"({"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"type": "array", "items": {"enum": [1, "c",
         null]}, "maxItems": 2}}, "required": ["a"], "$defs": {"x": {"anyOf": [{"type": "integer", "minimum": 3},
         {"type": "string", "pattern": "^[a-f]+$", "maxLength": 5}, {"oneOf": [{"const": true}, {"type": "null"}]}]}}})",
      "",
      R"((a|b)*c{2,3}[^x-z]?\d+(?i:q))",
      R"(["yes", "no"])",
      R"(start: a ("," a)* | B | <|im_end|>
a: /[0-9]+/ | %json {"type": "null"}
B: "x"~2..3
)",
      R"(root ::= (item "\n")+ # c
item ::= [^\]\x00-z-]{1,2} | "a"? root
)"};
  for (int kind = 0; kind < 6; ++kind) {
    Write(dir / std::to_string(kind), static_cast<char>(kind) + std::string(seeds[kind]));
  }
}

}  // namespace
}  // namespace engine

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_corpus DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path root = argv[1];
  engine::WriteGguf(root / "gguf");
  engine::WriteSafetensors(root / "safetensors");
  engine::WritePackedFiles(root / "packed");
  engine::WriteConfig(root / "config");
  engine::WriteTokenizer(root / "tokenizer");
  engine::WriteTemplate(root / "template");
  engine::WriteOutputs(root / "output");
  engine::WriteApi(root / "api");
  engine::WriteHttp(root / "http");
  engine::WriteGrammar(root / "grammar");
}

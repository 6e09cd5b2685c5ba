#include "core/weights/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/weights/safetensors_writer.h"
#include "tests/support/gguf_writer.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const std::string& path) {
  const auto opened = Checkpoint::Open(path);
  return opened.ok() ? "no error" : std::string(Message(opened.status()));
}

std::string OneTensor(const std::string& name) {
  return SafetensorsWriter().AddTensor(name, DType::kF32, {1}, std::vector<float>{1}).Bytes();
}

// Three one-value tensors a, b and c.
GgufWriter SmallGguf() {
  GgufWriter writer;
  writer.Set("general.architecture", "llama").Set("llama.block_count", 2u).Set("llama.rope.freq_base", 5e5f);
  writer.Set("llama.attention.head_count_kv", std::vector<uint32_t>{4, 2});
  writer.Set("tokenizer.ggml.tokens", std::vector<std::string>{"x"}).Set("tokenizer.ggml.bos_token_id", 1u);
  writer.Set("llama.table", std::vector<float>(1025, 0.0f));
  for (const char* name : {"a", "b", "c"}) writer.AddTensor(name, DType::kF32, {1}, std::vector<float>{1});
  return writer;
}

void WriteSplit(const TempDir& dir, const GgufWriter& writer) {
  dir.Write("m-00001-of-00002.gguf", writer.Bytes(0, 2));
  dir.Write("m-00002-of-00002.gguf", writer.Bytes(1, 2));
}

TEST(HuggingFaceCheckpoint, OpensADirectoryWithOneFile) {
  const TempDir dir;
  dir.Write("config.json", R"({"model_type":"llama","hidden_size":64})");
  dir.Write("model.safetensors", OneTensor("lm_head.weight"));
  dir.Write("tokenizer.json", "{}");
  const auto opened = Checkpoint::Open(dir.path());
  ASSERT_TRUE(opened.ok()) << opened.status();
  const Checkpoint& checkpoint = **opened;
  EXPECT_EQ(checkpoint.format(), CheckpointFormat::kHuggingFace);
  EXPECT_EQ(checkpoint.path(), dir.path());
  EXPECT_EQ(checkpoint.config()["hidden_size"], 64);
  EXPECT_EQ(checkpoint.gguf(), nullptr);
  ASSERT_NE(checkpoint.Find("lm_head.weight"), nullptr);
  EXPECT_EQ(checkpoint.Find("lm_head.weight"), &checkpoint.tensors()[0]);
  EXPECT_EQ(checkpoint.Find("absent"), nullptr);
  EXPECT_EQ(*checkpoint.ReadSideFile("tokenizer.json"), "{}");
}

TEST(HuggingFaceCheckpoint, NamesTheSideFileThatIsAbsentAndLeavesItsDirectoryNever) {
  const TempDir dir;
  dir.Write("config.json", "{}");
  dir.Write("model.safetensors", OneTensor("w"));
  const auto opened = Checkpoint::Open(dir.path());
  ASSERT_TRUE(opened.ok()) << opened.status();
  const absl::Status absent = (*opened)->ReadSideFile("chat_template.jinja").status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Message(absent)), HasSubstr("/chat_template.jinja"));
  for (const char* name : {"", "..", ".", "../config.json", "/etc/passwd", "a\\b"}) {
    EXPECT_EQ((*opened)->ReadSideFile(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

TEST(HuggingFaceCheckpoint, FollowsTheIndexOfAShardedModel) {
  const TempDir dir;
  dir.Write("config.json", "{}");
  dir.Write("first.safetensors", OneTensor("a"));
  SafetensorsWriter second;
  second.AddTensor("b", DType::kF32, {1}, std::vector<float>{2})
      .AddTensor("a", DType::kF32, {1}, std::vector<float>{9});
  dir.Write("second.safetensors", second.Bytes());
  dir.Write("model.safetensors.index.json", R"({"weight_map":{"a":"first.safetensors","b":"second.safetensors"}})");
  const auto opened = Checkpoint::Open(dir.path());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->tensors().size(), 2u);  // the second shard's own "a" is not part of the model
  EXPECT_NE((*opened)->Find("a"), nullptr);
  EXPECT_NE((*opened)->Find("b"), nullptr);
}

TEST(HuggingFaceCheckpoint, SaysWhatIsWrongWithItsFiles) {
  const TempDir dir;
  dir.Write("first.safetensors", OneTensor("a"));
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr("holds no model; it needs config.json"));
  dir.Write("config.json", "[1]");
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr("/config.json: not a JSON object"));
  dir.Write("config.json", "{}");
  EXPECT_EQ(ErrorOf(dir.path()), "no error");
  dir.Write("second.safetensors", OneTensor("b"));
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr("holds 2 .safetensors files and no model.safetensors.index.json"));
  const std::string index = "model.safetensors.index.json";
  dir.Write(index, R"({"weight_map":[]})");
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr(index + ": the shard index has no object \"weight_map\""));
  dir.Write(index, R"({"weight_map":{"a":1}})");
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr("names no file for tensor a"));
  dir.Write(index, R"({"weight_map":{"a":"../first.safetensors"}})");
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr("\"../first.safetensors\" is not the name of a file"));
  dir.Write(index, R"({"weight_map":{"a":"third.safetensors"}})");
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr("/third.safetensors: cannot open it: No such file"));
  dir.Write(index, R"({"weight_map":{"a":"second.safetensors"}})");
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr("/second.safetensors: the index places tensor a here; it is absent"));
  dir.Write("second.safetensors", "junk");
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr("/second.safetensors: the file is cut short"));
}

TEST(HuggingFaceCheckpoint, RefusesATensorOfAnUnsupportedTypeOnlyWhenItIsNeeded) {
  const TempDir dir;
  dir.Write("config.json", "{}");
  dir.Write("model.safetensors", SafetensorsWriter().AddRaw("w", "F8_E4M3", {1}, "x").Bytes());
  const auto opened = Checkpoint::Open(dir.path());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->Find("w"), nullptr);
  const absl::Status needed = (*opened)->Require("w").status();
  EXPECT_THAT(std::string(Message(needed)), HasSubstr("tensor w has type F8_E4M3, which is not supported; use"));
  EXPECT_THAT(std::string(Message((*opened)->Require("v").status())), HasSubstr("no tensor v"));
}

TEST(GgufCheckpoint, OpensOneFile) {
  const TempDir dir;
  const auto opened = Checkpoint::Open(dir.Write("tiny.gguf", SmallGguf().Bytes()));
  ASSERT_TRUE(opened.ok()) << opened.status();
  const Checkpoint& checkpoint = **opened;
  EXPECT_EQ(checkpoint.format(), CheckpointFormat::kGguf);
  EXPECT_EQ(checkpoint.tensors().size(), 3u);
  EXPECT_EQ((*checkpoint.Require("b"))->name, "b");
  EXPECT_EQ(checkpoint.ReadSideFile("tokenizer.json").status().code(), absl::StatusCode::kNotFound);
  ASSERT_NE(checkpoint.gguf(), nullptr);
  EXPECT_NE(checkpoint.gguf()->Get<std::vector<std::string_view>>("tokenizer.ggml.tokens"), nullptr);
}

TEST(GgufCheckpoint, KeepsItsTensorsAndItsConfigWhenTextsAreReleased) {
  const TempDir dir;
  const auto opened = Checkpoint::Open(dir.Write("tiny.gguf", SmallGguf().Bytes()));
  ASSERT_TRUE(opened.ok()) << opened.status();
  (*opened)->ReleaseTexts();
  EXPECT_EQ((*opened)->gguf(), nullptr);
  EXPECT_EQ((*opened)->config()["llama.block_count"], 2);
  const SourceTensor& tensor = **(*opened)->Require("b");
  EXPECT_EQ(*reinterpret_cast<const float*>(tensor.data.data()), 1.0f);
}

TEST(GgufCheckpoint, PutsScalarsAndShortArraysIntoItsConfig) {
  const TempDir dir;
  const auto opened = Checkpoint::Open(dir.Write("tiny.gguf", SmallGguf().Bytes()));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->config().dump(),
            R"({"general.architecture":"llama","llama.block_count":2,"llama.rope.freq_base":500000.0,)"
            R"("llama.attention.head_count_kv":[4,2],"tokenizer.ggml.bos_token_id":1})");
}

TEST(GgufCheckpoint, OpensASplitModelByAnyOfItsParts) {
  const TempDir dir;
  WriteSplit(dir, SmallGguf());
  for (const char* name : {"/m-00001-of-00002.gguf", "/m-00002-of-00002.gguf", ""}) {
    const auto opened = Checkpoint::Open(dir.path() + name);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ((*opened)->tensors().size(), 3u);
    EXPECT_EQ((*opened)->config()["general.architecture"], "llama");
  }
}

TEST(GgufCheckpoint, SaysWhichPartOfASplitModelIsWrong) {
  const TempDir dir;
  const GgufWriter writer = SmallGguf();
  const std::string first = dir.Write("m-00001-of-00002.gguf", writer.Bytes(0, 2));
  EXPECT_THAT(ErrorOf(first), HasSubstr("/m-00002-of-00002.gguf: cannot open it: No such file"));
  dir.Write("m-00002-of-00002.gguf", writer.Bytes(0, 2));
  EXPECT_THAT(ErrorOf(first), HasSubstr("/m-00002-of-00002.gguf: this is part 1 by split.no and part 2 by name"));
  dir.Write("m-00002-of-00002.gguf", writer.Bytes(1, 3));
  EXPECT_THAT(ErrorOf(first), HasSubstr("split.count is 3, and the file's name says 2 parts"));
  EXPECT_THAT(ErrorOf(dir.Write("renamed.gguf", writer.Bytes(0, 2))),
              HasSubstr("split.count is 2, and the file's name"));

  GgufWriter larger = SmallGguf();
  larger.AddTensor("d", DType::kF32, {1}, std::vector<float>{1});
  dir.Write("m-00002-of-00002.gguf", larger.Bytes(1, 2));
  EXPECT_THAT(ErrorOf(first), HasSubstr("split.tensors.count is 3, and the parts hold 4 tensors"));
  GgufWriter other;
  other.AddTensor("z", DType::kF32, {1}, std::vector<float>{1}).AddTensor("a", DType::kF32, {1}, std::vector<float>{1});
  dir.Write("m-00002-of-00002.gguf", other.Bytes(1, 2));
  EXPECT_THAT(ErrorOf(first), HasSubstr("tensor a appears in two parts"));
}

TEST(GgufCheckpoint, IsFoundInADirectoryAmongItsSidecars) {
  const TempDir dir;
  dir.Write("mmproj-tiny.gguf", "vision");
  EXPECT_THAT(ErrorOf(dir.path()), HasSubstr("holds no model"));
  dir.Write("tiny.gguf", SmallGguf().Bytes());
  EXPECT_EQ(ErrorOf(dir.path()), "no error");
  dir.Write("other.gguf", SmallGguf().Bytes());
  const std::string error = ErrorOf(dir.path());
  EXPECT_THAT(error, HasSubstr("holds 2 GGUF models; name one of them"));
  EXPECT_THAT(error, HasSubstr("/other.gguf"));
}

TEST(Checkpoint, NamesThePathThatCannotBeOpened) {
  const TempDir dir;
  EXPECT_THAT(ErrorOf(dir.path() + "/absent.gguf"), HasSubstr("/absent.gguf: cannot open it: No such file"));
  EXPECT_THAT(ErrorOf(dir.Write("notes.txt", "text")), HasSubstr("/notes.txt: not a GGUF file"));
  EXPECT_THAT(ErrorOf(dir.Write("model.safetensors", OneTensor("a"))), HasSubstr("name the directory that holds it"));
}

}  // namespace
}  // namespace engine

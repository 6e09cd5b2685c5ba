#include "cli/served_models.h"

#include <fstream>

#include "cli/usage.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<ModelToServe> Read(const std::vector<std::string>& arguments, const std::vector<std::string>& names = {}) {
  auto models = ReadModels(arguments, names);
  EXPECT_TRUE(models.ok()) << models.status();
  return *std::move(models);
}

std::string Refusal(const absl::Status& status) {
  EXPECT_TRUE(IsUsageError(status)) << status;
  return std::string(Message(status));
}

std::string NameRefusal(const std::vector<std::string>& arguments, const std::vector<std::string>& routes) {
  std::vector<std::shared_ptr<TrafficSplit>> splits;
  for (const std::string& route : routes) splits.push_back(*TrafficSplit::Parse(route));
  return Refusal(CheckNames(Read(arguments), splits));
}

TEST(ServedModels, ANameStandsBeforeItsPath) {
  const auto models = Read({"a=x/one.gguf", "llama3:8b=two", "x/three.gguf", "x/four/"});
  ASSERT_EQ(models.size(), 4u);
  EXPECT_EQ(models[0].model, "x/one.gguf");
  EXPECT_THAT(models[0].names, ElementsAre("a"));
  EXPECT_EQ(models[1].model, "two");
  EXPECT_THAT(models[1].names, ElementsAre("llama3:8b"));
  EXPECT_EQ(models[2].model, "x/three.gguf");
  EXPECT_THAT(models[2].names, ElementsAre("three.gguf"));
  EXPECT_THAT(models[3].names, ElementsAre("four"));
}

TEST(ServedModels, OneWithoutANameAnswersToItsPathToo) {
  EXPECT_EQ(Read({"x/three.gguf"})[0].alias, "x/three.gguf");
  EXPECT_EQ(Read({"x/three.gguf"}, {"three"})[0].alias, "");
  EXPECT_EQ(Read({"a=x/three.gguf"})[0].alias, "");
}

TEST(ServedModels, APathMayHoldAnEqualsSign) {
  const TempDir directory;
  const std::string file = directory.path() + "/q=4.gguf";
  std::ofstream(file) << "x";
  EXPECT_EQ(Read({file})[0].model, file);
  EXPECT_EQ(Read({"./q=4.gguf"})[0].model, "./q=4.gguf");
  EXPECT_EQ(Read({"a=" + file})[0].model, file);
}

TEST(ServedModels, APathMayBeLongerThanTheSystemTakes) {
  EXPECT_EQ(Read({std::string(300, 'a') + "=x"})[0].model, "x");
  EXPECT_EQ(Read({"a=" + std::string(300, 'x')})[0].names.front(), "a");
}

TEST(ServedModels, ASingleModelMayHaveSeveralNames) {
  EXPECT_THAT(Read({"one.gguf"}, {"x", "y"})[0].names, ElementsAre("x", "y"));
  EXPECT_THAT(Refusal(ReadModels({"a=one", "b=two"}, {"x"}).status()), HasSubstr("--served-model-name"));
  EXPECT_THAT(Refusal(ReadModels({"a=one"}, {"x"}).status()), HasSubstr("a=one"));
}

TEST(ServedModels, NamesThatCollideAreRefused) {
  EXPECT_THAT(NameRefusal({"x/m.gguf", "y/m.gguf"}, {}), AllOf(HasSubstr("m.gguf"), HasSubstr("a=PATH b=PATH")));
  EXPECT_THAT(NameRefusal({"a=x", "b=y"}, {"a=a:1,b:1"}), HasSubstr("--route a has the name of a model"));
  EXPECT_THAT(NameRefusal({"a=x", "b=y"}, {"c=a:1", "c=b:1"}), HasSubstr("--route c"));
}

TEST(ServedModels, RoutesGoToModelsThatAreServed) {
  EXPECT_THAT(Refusal(CheckNames({{.model = "x", .names = {""}}}, {})), HasSubstr("a name of x is empty"));
  EXPECT_TRUE(CheckNames(Read({"a=x", "b=y"}), {*TrafficSplit::Parse("c=a:1,b:2")}).ok());
  EXPECT_THAT(NameRefusal({"a=x", "b=y"}, {"c=a:1,z:1"}), AllOf(HasSubstr("--route c goes to z"), HasSubstr("a, b")));
  EXPECT_THAT(NameRefusal({"m/a.gguf", "m/b.gguf"}, {"m/a.gguf=b.gguf:1"}), HasSubstr("has the name of a model"));
}

}  // namespace
}  // namespace engine

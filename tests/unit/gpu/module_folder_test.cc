// Which folder of compiled kernels a program takes.
#include "backends/gpu/module_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/temp_dir.h"

namespace engine::gpu {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Programs and kernels in a folder of their own.
class ModuleFolders : public testing::Test {
 protected:
  std::string Folder(const std::string& name) const {
    std::filesystem::create_directories(folder_.path() + "/" + name);
    return folder_.path() + "/" + name;
  }
  std::string WithKernels(const std::string& name) const {
    Folder(name);
    folder_.Write(name + "/libengine_simt32.so", "kernels");
    return folder_.path() + "/" + name;
  }
  ModulePlaces Places() const {
    return {.program = Folder("home/app/bin") + "/app", .installed = folder_.path() + "/usr/lib/engine"};
  }

 private:
  TempDir folder_;
};

TEST_F(ModuleFolders, LieAboveTheProgram) {
  WithKernels("usr/lib/engine");
  WithKernels("home/lib/engine");
  const std::string nearest = WithKernels("home/app/lib/engine");
  EXPECT_EQ(*FindModuleFolder(Places()), nearest);
}

TEST_F(ModuleFolders, OfSomethingElseAreLeftAlone) {
  Folder("home/app/lib/engine");
  const std::string ours = WithKernels("home/lib/engine");
  EXPECT_EQ(*FindModuleFolder(Places()), ours);
}

TEST_F(ModuleFolders, OfTheInstallationServeAProgramThatLiesElsewhere) {
  const std::string installed = WithKernels("usr/lib/engine");
  EXPECT_EQ(*FindModuleFolder(Places()), installed);
}

TEST_F(ModuleFolders, ThatAreNamedAreTheOnlyOnes) {
  WithKernels("home/app/lib/engine");
  ModulePlaces places = Places();
  places.named = WithKernels("anywhere");
  EXPECT_EQ(*FindModuleFolder(places), places.named);
  places.named = Folder("empty");
  EXPECT_THAT(std::string(FindModuleFolder(places).status().message()),
              AllOf(HasSubstr("ENGINE_GPU_MODULES is " + places.named.string()), HasSubstr("libengine_simt32.so")));
}

TEST_F(ModuleFolders, ThatAreNowhereAreSaidToBe) {
  const ModulePlaces places = Places();
  EXPECT_THAT(std::string(FindModuleFolder(places).status().message()),
              AllOf(HasSubstr("above " + places.program.string()), HasSubstr("nor in " + places.installed.string()),
                    HasSubstr("ENGINE_GPU_MODULES")));
}

}  // namespace
}  // namespace engine::gpu

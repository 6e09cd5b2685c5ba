#include "server/certificate_files.h"

#include <fstream>

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

// Has of a certificate what it last read.
struct ReadingServer : HttpServer {
  explicit ReadingServer(std::string certificate) : path(std::move(certificate)) {}

  absl::Status ReloadTls() override {
    std::ifstream(path) >> in_force;
    return absl::OkStatus();
  }
  std::string address() const override { return ""; }
  int port() const override { return 0; }
  HttpServerStats stats() const override { return {}; }
  void BeginDrain() override {}
  bool WaitUntilIdle(std::chrono::milliseconds) override { return true; }
  void Stop() override {}

  std::string path, in_force;
};

struct Files {
  TempDir directory;
  std::string certificate = directory.path() + "/certificate", key = directory.path() + "/key";

  void Write(const std::string& text) const {
    for (const std::string& path : {certificate, key}) std::ofstream(path) << text;
  }
};

TEST(CertificateFiles, ACertificateRenewedBetweenTheServersStartAndTheFirstLookIsTaken) {
  const Files files;
  files.Write("old");
  ReadingServer server(files.certificate);
  ASSERT_TRUE(server.ReloadTls().ok());
  files.Write("renewed");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nobody{std::fopen("/dev/null", "w"), std::fclose};
  Log log(Log::Format::kPlain, fileno(nobody.get()));
  CertificateFiles renewing(files.certificate, files.key, server, log);
  renewing.ReloadIfChanged();
  EXPECT_EQ(server.in_force, "renewed");
  files.Write("again");
  renewing.ReloadIfChanged();
  EXPECT_EQ(server.in_force, "again");
}

}  // namespace
}  // namespace engine

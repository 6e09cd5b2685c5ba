// What keeps a server from listening.
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/http/http_server.h"
#include "tests/support/temp_dir.h"

namespace engine {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpOptions options) {
  return HttpServer::Start(std::move(options), {{}, ApiKeys::Create({}).value(), {}});
}

std::string Refusal(HttpOptions options) { return std::string(Start(std::move(options)).status().message()); }

TEST(HttpListen, AFileInTheWayOfAUnixSocketStays) {
  const TempDir directory;
  const std::string path = directory.path() + "/model.gguf";
  std::ofstream(path) << "weights";
  EXPECT_THAT(Refusal({.unix_socket = path}), HasSubstr("something else"));
  EXPECT_EQ(std::filesystem::file_size(path), 7u);
}

TEST(HttpListen, AServerThatEndsLeavesItsSuccessorsSocketAlone) {
  const TempDir directory;
  const std::string path = directory.path() + "/http";
  auto first = Start({.unix_socket = path});
  ASSERT_TRUE(first.ok()) << first.status();
  (*first)->BeginDrain();
  auto second = Start({.unix_socket = path});
  while (!second.ok()) second = Start({.unix_socket = path});  // until the first one's acceptor has closed
  first->reset();
  EXPECT_TRUE(std::filesystem::exists(path));
  second->reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(HttpListen, WhatKeepsItFromListeningIsNamed) {
  const auto server = Start({.port = 0});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT(Refusal({.port = (*server)->port()}), HasSubstr("127.0.0.1:" + std::to_string((*server)->port())));
  EXPECT_THAT(Refusal({.host = "no.such.host.invalid"}), HasSubstr("no.such.host.invalid"));
  EXPECT_THAT(Refusal({.unix_socket = "/" + std::string(107, 'a')}), HasSubstr("has 108 bytes"));
  EXPECT_THAT(Refusal({.port = 0, .tls_certificate = "cert.pem"}), HasSubstr("key"));
  EXPECT_THAT(Refusal({.port = 0, .tls_certificate = "nowhere.pem", .tls_key = "key.pem"}), HasSubstr("nowhere.pem"));
}

}  // namespace
}  // namespace engine

#include "server/log.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What `write` logs.
std::string Logged(Log::Format format, const std::function<void(Log&)>& write) {
  std::FILE* file = std::tmpfile();
  {
    Log log(format, fileno(file));
    write(log);
  }
  std::rewind(file);
  std::string logged(1 << 16, '\0');
  logged.resize(std::fread(logged.data(), 1, logged.size(), file));
  std::fclose(file);
  return logged;
}

TEST(Log, AccessLinesTellTheRequestButNothingOfItsText) {
  const HttpRequest request{.method = "POST",
                            .path = "/v1/completions",
                            .query = "secret=1",
                            .headers = {{"authorization", "Bearer key"}},
                            .body = "prompt",
                            .id = "req_1",
                            .api_key = 2,
                            .client = "10.0.0.1"};
  const AccessRecord record{.request = &request, .status = 200, .body_bytes = 12, .seconds = 0.25};
  for (const Log::Format format : {Log::Format::kPlain, Log::Format::kJson}) {
    const std::string line = Logged(format, [&](Log& log) { log.Access(record); });
    for (const char* shown : {"POST", "/v1/completions", "200", "12", "0.25", "req_1", "10.0.0.1", "2"}) {
      EXPECT_THAT(line, HasSubstr(shown));
    }
    for (const char* hidden : {"secret", "Bearer", "prompt"}) EXPECT_THAT(line, Not(HasSubstr(hidden)));
  }
}

TEST(Log, RequestsAreCutAndCannotForgeLines) {
  const HttpRequest request{.path = "/v1/completions", .body = "{\"prompt\": \"\n\xc3\xa9 hidden", .id = "abc"};
  const std::string plain = Logged(Log::Format::kPlain, [&](Log& log) { log.Request(request, 13); });
  EXPECT_THAT(plain, HasSubstr(R"(request id=abc /v1/completions 22 bytes: {\"prompt\": \"\n)"
                               "\n"));
  EXPECT_THAT(plain, Not(HasSubstr("hidden")));
  const std::string json = Logged(Log::Format::kJson, [&](Log& log) { log.Request(request, 14); });
  EXPECT_EQ(nlohmann::json::parse(json)["body"], "{\"prompt\": \"\n\ufffd") << "cut within a character";
  EXPECT_EQ(nlohmann::json::parse(json)["bytes"], 22);
}

TEST(Log, AccessLinesNameTheTraceThatARequestBelongsTo) {
  HttpRequest request{.method = "GET", .path = "/"};
  for (const Log::Format format : {Log::Format::kPlain, Log::Format::kJson}) {
    request.trace = {.trace_id = "4bf92f35", .span_id = "00f067aa"};
    const std::string line = Logged(format, [&](Log& log) { log.Access({.request = &request}); });
    for (const char* shown : {"trace_id", "4bf92f35", "span_id", "00f067aa"}) EXPECT_THAT(line, HasSubstr(shown));
    request.trace = std::nullopt;
    EXPECT_THAT(Logged(format, [&](Log& log) { log.Access({.request = &request}); }), Not(HasSubstr("trace_id")));
  }
}

TEST(Log, APathCannotForgeALine) {
  const HttpRequest request{.method = "GET", .path = "/a\nforged \xff\x1b[31m", .client = "c"};
  const AccessRecord record{.request = &request, .status = 404};
  const std::string plain = Logged(Log::Format::kPlain, [&](Log& log) { log.Access(record); });
  EXPECT_EQ(std::ranges::count(plain, '\n'), 1);
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  const std::string json = Logged(Log::Format::kJson, [&](Log& log) { log.Access(record); });
  EXPECT_EQ(std::ranges::count(json, '\n'), 1);
  EXPECT_FALSE(nlohmann::json::parse(json, nullptr, false).is_discarded());
}

TEST(Log, LinesThatNobodyReadsAreDroppedAndCounted) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::string read;
  std::jthread reader;
  {
    Log log(Log::Format::kPlain, ends[1]);
    // More than the pipe and the queue hold: nobody reads yet.
    for (int i = 0; i < 40'000; ++i) log.Info("a line that is long enough to fill a pipe soon");
    reader = std::jthread([&] {
      char bytes[4096];
      for (ssize_t got; (got = ::read(ends[0], bytes, sizeof(bytes))) > 0;) read.append(bytes, got);
    });
  }
  ::close(ends[1]);
  reader.join();
  ::close(ends[0]);
  EXPECT_THAT(read, HasSubstr("lines were dropped: nobody read them fast enough"));
}

TEST(Log, TheEndDoesNotWaitForWhoNeverReads) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    Log log(Log::Format::kPlain, ends[1]);
    for (int i = 0; i < 8'000; ++i) log.Info("a line that is long enough to fill a pipe soon");
  }
  ::close(ends[1]);
  ::close(ends[0]);
}

}  // namespace
}  // namespace engine

// Bytes of a connection: no crash, the same requests however they arrive, and an answer for each.
#include <memory>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/weights/byte_reader.h"
#include "server/http/request_reader.h"
#include "server/http/router.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/unit/server/recorded_answer.h"

namespace engine {
namespace {

Router MakeRouter() {
  const auto echo = [](std::shared_ptr<const HttpRequest> request, std::shared_ptr<Responder> responder) {
    responder->Send(200, "text/plain", request->path);
  };
  return {{{"GET", "/a", echo, true}, {"POST", "/b/*", echo}}, ApiKeys::Create({"key"}).value(), {"https://page"}};
}

std::string Answer(HttpRequest request) {
  static const Router router = MakeRouter();
  const auto answer = std::make_shared<RecordedAnswer>();
  router.CorsHeaders(request);
  if (const Route* route = router.Admit(request)) {
    route->handler(std::make_shared<HttpRequest>(request), answer);
  } else {
    router.Refuse(request, *answer);
  }
  ENGINE_CHECK(answer->status != 0);
  return std::to_string(answer->status) + answer->body;
}

std::string Describe(const HttpRequest& request) {
  std::string text = request.method + " " + request.path + "?" + request.query + "\n";
  for (const auto& [name, value] : request.headers) text += name + ":" + value + "\n";
  return text + request.body + "\n" + Answer(request);
}

// What comes of the bytes when `piece` of them arrive at once: every request with its answer. What is wrong with the one
// after them may be found out only once its headers have ended.
std::string Read(std::string_view bytes, size_t piece) {
  RequestReader reader({.max_header_bytes = 2048, .max_body_bytes = 4096});
  std::string ahead, seen;
  for (size_t i = 0; i < bytes.size() && reader.error_status() == 0; i += piece) {
    ahead += bytes.substr(i, piece);
    while (true) {
      ahead.erase(0, reader.Take(ahead));
      if (!reader.is_done()) break;
      HttpRequest request = reader.Head();
      request.body = reader.TakeBody();
      seen += Describe(request);
      reader.Next();
    }
  }
  return seen;
}

}  // namespace

void FuzzOne(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::string_view text = AsText(bytes).substr(1);
  const auto piece = static_cast<size_t>(bytes[0]) % 64 + 1;
  ENGINE_CHECK(Read(text, piece) == Read(text, text.size()));
}

}  // namespace engine

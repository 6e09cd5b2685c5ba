// An answer that is only looked at.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "server/http/handler.h"

namespace engine {

class RecordedAnswer : public Responder {
 public:
  void Send(int code, std::string_view, std::string text, HttpHeaders more) override {
    status = code;
    body = std::move(text);
    headers = std::move(more);
  }
  void Begin(int code, std::string_view, HttpHeaders) override { status = code; }
  void Write(std::string piece) override { body += piece; }
  void End() override {}
  void OnGone(std::function<void()>) override {}
  bool is_open() const override { return true; }

  int status = 0;
  std::string body;
  HttpHeaders headers;
};

}  // namespace engine

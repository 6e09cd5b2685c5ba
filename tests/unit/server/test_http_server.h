// A server whose handlers hand their answers to the test, which gives them when it likes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "server/http/http_server.h"

namespace engine {

inline constexpr std::chrono::milliseconds kLong{20'000};  // what must happen, happens long before

class TestHttpServer {
 public:
  explicit TestHttpServer(HttpOptions options = {}) {
    options.port = 0;
    options.on_access = [this](const AccessRecord& record) {
      std::lock_guard lock(mutex_);
      statuses_.push_back(record.status);
      paths_.push_back(record.request->path);
      changed_.notify_all();
    };
    const auto keep = [this](std::shared_ptr<const HttpRequest> request, std::shared_ptr<Responder> responder) {
      std::lock_guard lock(mutex_);
      held_.push_back({std::move(request), std::move(responder)});
      changed_.notify_all();
    };
    const auto hold = [this, keep](std::shared_ptr<const HttpRequest> request, std::shared_ptr<Responder> responder) {
      Watch(*responder);
      keep(std::move(request), std::move(responder));
    };
    const auto echo = [](const std::shared_ptr<const HttpRequest>& request,
                         const std::shared_ptr<Responder>& responder) {
      responder->Send(200, "text/plain", request->body);
    };
    const auto drop = [](const std::shared_ptr<const HttpRequest>&, const std::shared_ptr<Responder>&) {};
    auto server = HttpServer::Start(std::move(options), {{{"POST", "/echo", echo},
                                                          {"GET", "/echo", echo},
                                                          {"POST", "/messages", echo, false, AnthropicErrorBody},
                                                          {"GET", "/hold", hold},
                                                          {"GET", "/keep", keep},
                                                          {"GET", "/drop", drop}},
                                                         ApiKeys::Create({}).value(),
                                                         {"https://page"}});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  struct Held {
    std::shared_ptr<const HttpRequest> request;
    std::shared_ptr<Responder> responder;
  };
  Held TakeHeld() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kLong, [this] { return !held_.empty(); }));
    Held held = held_.front();
    held_.erase(held_.begin());
    return held;
  }
  // What WaitForGone counts.
  void Watch(Responder& responder) {
    responder.OnGone([this] {
      std::lock_guard lock(mutex_);
      ++gone_;
      changed_.notify_all();
    });
  }
  void WaitForGone(int count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kLong, [&] { return gone_ >= count; }));
  }
  std::vector<int> WaitForStatuses(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, kLong, [&] { return statuses_.size() >= count; }));
    return statuses_;
  }
  std::vector<std::string> paths() {
    std::lock_guard lock(mutex_);
    return paths_;
  }
  HttpServer& operator*() { return *server_; }
  HttpServer* operator->() { return server_.get(); }
  int port() const { return server_->port(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Held> held_;
  std::vector<int> statuses_;  // of answers that have ended, with the paths of their requests
  std::vector<std::string> paths_;
  int gone_ = 0;
  std::unique_ptr<HttpServer> server_;  // first to go: its threads use the rest
};

inline std::string Get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}

}  // namespace engine

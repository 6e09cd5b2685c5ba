// A server that speaks OpenAI's API, as the target of a load.
#pragma once

#include <memory>

#include "benchmarks/serve/load.h"
#include "server/http/http_client.h"

namespace engine {

struct HttpTargetOptions {
  HttpAddress server;
  bool verify_certificate = true;
  std::string endpoint = "/v1/completions";  // one that ends in "/chat/completions" gets the prompt as a message
  std::string model;                         // empty: the first that the server lists
  std::string api_key;                       // empty: none is sent
  bool ignore_eos = false;
  double temperature = 0;
  std::string extra_body;  // a JSON object of more fields
};

class HttpTarget : public LoadTarget {
 public:
  static absl::StatusOr<std::unique_ptr<HttpTarget>> Create(HttpTargetOptions options);

  void Send(const LoadRequest& request, LoadRecord& record, std::function<void()> on_end) override;
  void At(TimePoint when, std::function<void()> action) override { client_->At(when, std::move(action)); }
  void Run() override { client_->Run(); }

  const std::string& model() const { return options_.model; }

 private:
  explicit HttpTarget(HttpTargetOptions options) : options_(std::move(options)) {}
  absl::Status FindModel();
  std::string Body(const LoadRequest& request) const;
  HttpHeaders Headers() const;

  HttpTargetOptions options_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace engine

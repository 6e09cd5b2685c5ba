// The API without a model and without a network: an engine that says what a test tells it, a client that keeps what it is
// sent.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/api/api.h"
#include "server/api/json_value.h"

namespace engine {

// Reads a text as one token per byte; a chat as "role:content|" per message. Keeps what is submitted.
class ScriptedEngine : public Engine {
 public:
  struct Submitted {
    GenerationRequest request;
    UpdateCallback on_update;
  };

  ScriptedEngine();

  absl::StatusOr<RequestId> Submit(const GenerationRequest& request, UpdateCallback on_update) override;
  void Cancel(RequestId id) override { cancelled.push_back(id); }
  void SetAfterUpdates(std::function<void()> after) override { after_updates = std::move(after); }
  const ModelInfo& model() const override { return info; }
  EngineStats stats() const override { return {}; }
  absl::StatusOr<RenderedPrompt> Render(const GenerationRequest& request) const override;
  absl::StatusOr<std::string> Detokenize(std::span<const int32_t> tokens) const override;
  std::string TokenBytes(int32_t token) const override { return std::string(1, static_cast<char>(token)); }

  // The i-th submitted request hears a text, one token per byte; `finish` ends it.
  void Say(size_t i, const std::string& text, Finish finish = Finish::kNone);
  void Tell(size_t i, const GenerationUpdate& update) {
    submitted[i].on_update(update);
    after_updates();
  }

  ModelInfo info;
  absl::Status refusal;                            // of the next Submit
  std::function<void()> while_submitting = [] {};  // what others do meanwhile
  size_t limit = 1000;                             // so many are submitted; more find the queue full
  int num_rejected = 0;                            // for that
  std::vector<Submitted> submitted;
  mutable GenerationRequest rendered;  // the last
  std::function<void()> after_updates;
  std::vector<RequestId> cancelled;  // ids are indices of `submitted`
};

class RecordingResponder : public Responder {
 public:
  void Send(int status, std::string_view content_type, std::string body, HttpHeaders headers) override;
  void Begin(int status, std::string_view content_type, HttpHeaders headers) override;
  void Write(std::string chunk) override { body += chunk; }
  void End() override { ended = true; }
  void OnGone(std::function<void()> callback) override { gone = std::move(callback); }
  bool is_open() const override { return !ended; }

  // The data of every event of a stream but [DONE], which must be the last.
  std::vector<Json> Events() const;

  int status = 0;
  std::string content_type, body;
  HttpHeaders headers;
  bool ended = false;
  std::function<void()> gone;
};

// The routes over one engine, called without a network.
class ApiClient {
 public:
  explicit ApiClient(ScriptedEngine& engine, bool lenient = false);
  // Several models, and names that split traffic between them.
  ApiClient(std::vector<ServedModel> models, std::vector<std::shared_ptr<TrafficSplit>> splits);

  std::shared_ptr<RecordingResponder> PostText(const std::string& path, const std::string& body) const;
  std::shared_ptr<RecordingResponder> Post(const std::string& path, const Json& body) const;
  void PostTo(const std::shared_ptr<RecordingResponder>& responder, const std::string& path, const Json& body) const;
  std::shared_ptr<RecordingResponder> Get(const std::string& path) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::shared_ptr<RecordingResponder> Call(const std::string& method, const std::string& path, std::string body) const;
  void Call(const std::shared_ptr<RecordingResponder>& responder, const std::string& method, const std::string& path,
            std::string body) const;

  std::vector<Route> routes_;
};

// `json` without what differs from run to run: times and rates. Fails the test where a response lacks them.
Json Timeless(Json json);

}  // namespace engine

// A request on its way through the engine: submits what it asks for, writes the answer, ends with its client.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "server/api/answer.h"
#include "server/http/handler.h"
#include "server/http/write_batch.h"

namespace engine {

class RequestRun : public std::enable_shared_from_this<RequestRun> {
 public:
  // writes: of the engine's output thread, sent after its updates. answer: with request and everything that does not
  // depend on the prompt. The engine outlives the run.
  RequestRun(Engine& engine, std::shared_ptr<WriteBatch> writes, Answer answer, std::unique_ptr<AnswerFormat> format,
             std::shared_ptr<Responder> responder);

  // Renders the prompts and submits the first answer to each; the others to it come when the prompt is in the cache. As
  // many are under way as may be and as the engine has room for; one is in any case, so nothing that has begun is lost.
  // From here on the run answers, and lives as long as the engine works on it. on_taken: called if the engine has taken
  // something, before that is answered.
  void Start(const std::function<void()>& on_taken);

 private:
  absl::Status RenderPrompts();
  absl::Status Render(const GenerationRequest& source);
  absl::Status InClientsWords(const absl::Status& error, size_t prompt);
  absl::Status SubmitMore();
  absl::Status Submit(Choice& choice, WhenFull when_full);
  void OnUpdate(Choice& choice, const GenerationUpdate& update);
  void AddSiblings(const Choice& choice);
  void Stream(std::string events);
  void End();
  void Fail(const absl::Status& error);
  void CancelAll();
  void OnGone();

  Engine& engine_;
  const std::shared_ptr<WriteBatch> writes_;  // shared by all runs of the engine
  std::mutex mutex_;                          // guards everything below
  Answer answer_;
  const std::unique_ptr<AnswerFormat> format_;
  const std::shared_ptr<Responder> responder_;
  std::deque<Choice*> waiting_;       // to be submitted, in this order
  std::vector<RequestId> submitted_;  // ended ones too
  size_t num_ended_ = 0;              // of submitted_
  bool streaming_ = false;            // the head of a stream is out
  bool done_ = false;                 // answered, failed, or nobody listens
};

// The whole answer to a request that failed.
void SendError(Responder& responder, const absl::Status& error, std::string body);

}  // namespace engine

// A request on its way through the engine: submits what it asks for, writes the answer, ends with its client.
#pragma once

#include <deque>
#include <memory>
#include <mutex>

#include "server/api/answer.h"
#include "server/http/handler.h"
#include "server/http/post.h"
#include "server/http/write_batch.h"
#include "server/traffic/route_stats.h"

namespace engine {

class RequestRun : public std::enable_shared_from_this<RequestRun> {
 public:
  // post: to workers, for what the engine's output thread finds to be submitted. writes: of that thread, sent after its
  // updates. answer: with request and everything that does not depend on the prompt. The engine outlives the run.
  RequestRun(Engine& engine, Post post, std::shared_ptr<WriteBatch> writes, Answer answer,
             std::unique_ptr<AnswerFormat> format, std::shared_ptr<Responder> responder);

  // Renders the prompts and submits the first answer to each; the others to it come when the prompt is in the cache. As
  // many are under way as may be and as the engine has room for; one is in any case, so nothing that has begun is lost.
  // From here on the run answers, and lives as long as the engine works on it. route: counts it from when the engine has
  // taken something; may be null.
  void Start(std::shared_ptr<RouteStats> route);

 private:
  absl::Status RenderPrompts();
  absl::Status Render(const GenerationRequest& source);
  absl::Status InClientsWords(const absl::Status& error, size_t prompt);
  void SubmitMore();
  bool HasNext() const { return !done_ && !waiting_.empty() && num_begun_ - num_ended_ < answer_.request.max_at_once; }
  Choice* TakeNext(WhenFull& when_full);
  absl::StatusOr<RequestId> Submit(Choice& choice, WhenFull when_full);
  bool Settle(Choice& choice, WhenFull when_full, const absl::StatusOr<RequestId>& id);
  absl::Status ErrorOf(const GenerationUpdate& update, const Choice& choice);
  void OnUpdate(Choice& choice, const GenerationUpdate& update);
  bool Receive(Choice& choice, const GenerationUpdate& update);
  void AddSiblings(const Choice& choice);
  void CountBegin();
  void CountEnd();
  void Stream(std::string events);
  void End();
  void Fail(const absl::Status& error);
  void CancelAll();
  void OnGone();

  Engine& engine_;
  const Post post_;
  const std::shared_ptr<WriteBatch> writes_;  // shared by all runs of the engine
  const TimePoint start_ = Now();             // timeouts are the whole request's
  // Guards everything below. Not held while the engine compiles what it is to submit: the output thread and the client's
  // connection wait for it.
  std::mutex mutex_;
  Answer answer_;
  const std::unique_ptr<AnswerFormat> format_;
  const std::shared_ptr<Responder> responder_;
  std::shared_ptr<RouteStats> route_;  // may be null; shared with the split, which a run may outlive
  bool is_counted_ = false;            // there
  std::deque<Choice*> waiting_;        // to be submitted, in this order
  bool is_submitting_ = false;         // a thread is in SubmitMore, or about to be
  size_t num_begun_ = 0;               // submitted, or being so
  size_t num_ended_ = 0;               // of those
  std::vector<RequestId> submitted_;   // ended ones too
  bool streaming_ = false;             // the head of a stream is out
  bool done_ = false;                  // answered, failed, or nobody listens
};

// The whole answer to a request that failed.
void SendError(Responder& responder, const absl::Status& error, std::string body);

}  // namespace engine

#include "server/api/embeddings.h"

#include <mutex>

#include "absl/strings/escaping.h"
#include "engine/embedding.h"
#include "server/api/openapi.h"
#include "server/api/request_run.h"

namespace engine {
namespace {

constexpr size_t kMaxInputs = 2048;  // as OpenAI's API has it
constexpr size_t kMaxInputTokens = size_t{1} << 22;
// Of a request at once: enough to fill steps, and others get their turn.
constexpr size_t kMaxUnderWay = 32;

absl::Status AddInput(const FieldValue& value, EmbeddingsRequest& request) {
  GenerationRequest& input = request.inputs.emplace_back();
  RETURN_IF_ERROR(value.json.is_array() ? GetList(value, kMaxInputTokens, input.prompt_tokens)
                                        : Get(value, input.prompt));
  if (input.prompt.empty() && input.prompt_tokens.empty()) return FieldError(value.path, "is empty");
  return absl::OkStatus();
}

// A text, a list of texts, a list of token ids, or a list of such lists.
absl::Status ReadInput(const FieldValue& value, EmbeddingsRequest& request) {
  const bool is_list = value.json.is_array() && !value.json.empty() && !value.json[0].is_number();
  if (!is_list) return AddInput(value, request);
  RETURN_IF_ERROR(MustBeArray(value, kMaxInputs));
  for (size_t i = 0; i < value.json.size(); ++i) RETURN_IF_ERROR(AddInput(value.At(i), request));
  return absl::OkStatus();
}

absl::Status ReadEncoding(const FieldValue& value, EmbeddingsRequest& request) {
  int word = 0;
  RETURN_IF_ERROR(GetWord(value, {"float", "base64"}, word));
  request.as_base64 = word == 1;
  return absl::OkStatus();
}

constexpr Field<EmbeddingsRequest> kFields[] = {
    {"model", "string", nullptr, "", "*"},
    {"input", "string|array", ReadInput, "text, token ids, or a list of either"},
    {"encoding_format", "string", ReadEncoding, "float (default), or base64 of little-endian f32"},
    {"dimensions", "integer",
     [](const FieldValue& value, EmbeddingsRequest& request) { return Get(value, request.dimensions); },
     "so many first values, scaled to length 1"},
    {"add_special_tokens", "boolean",
     [](const FieldValue& value, EmbeddingsRequest& request) { return Get(value, request.add_special_tokens); },
     "what the tokenizer puts around a text"},
    {"user", "string", nullptr, "", "*"},
    {"cache_salt", "string", nullptr, "only a route reads it", "*"},
};

class EmbeddingsRun : public std::enable_shared_from_this<EmbeddingsRun> {
 public:
  EmbeddingsRun(const ServedModel& model, EmbeddingsRequest request, std::shared_ptr<Responder> responder)
      : engine_(*model.engine),
        name_(model.name),
        request_(std::move(request)),
        responder_(std::move(responder)),
        poolers_(request_.inputs.size(), Pooler(engine_.model())) {}

  void Start() {
    responder_->OnGone([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->OnGone();
    });
    std::lock_guard lock(mutex_);
    SubmitMore();
  }

 private:
  // Where the queue is full, what is under way makes room.
  void SubmitMore() {
    while (!done_ && next_ < poolers_.size() && next_ - num_ended_ < kMaxUnderWay) {
      const absl::Status submitted = Submit(next_);
      if (submitted.code() == absl::StatusCode::kResourceExhausted && next_ > num_ended_) return;
      if (!submitted.ok()) return Fail(WithDetails(submitted, "input"));
      ++next_;
    }
  }

  absl::Status Submit(size_t input) {
    const auto on_update = [self = shared_from_this(), input](const GenerationUpdate& update) {
      self->OnUpdate(input, update);
    };
    ASSIGN_OR_RETURN(const RequestId id,
                     engine_.Submit(EmbeddingRequest(engine_.model(), request_.inputs[input]), on_update));
    ids_.push_back(id);
    return absl::OkStatus();
  }

  void OnUpdate(size_t input, const GenerationUpdate& update) {
    std::lock_guard lock(mutex_);
    if (done_) return;
    poolers_[input].Add(update);
    if (update.finish == Finish::kNone) return;
    if (update.finish == Finish::kError) return Fail(update.error);
    if (update.finish == Finish::kCancelled) return Fail(absl::UnavailableError("the request was cancelled"));
    prompt_tokens_ += update.prompt_tokens;
    if (++num_ended_ == poolers_.size()) return End();
    SubmitMore();
  }

  Json ValuesOf(const Pooler& pooler) const {
    const std::vector<float> values = pooler.Embedding(request_.dimensions);
    if (!request_.as_base64) return values;
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    return absl::Base64Escape(absl::string_view(bytes, values.size() * sizeof(float)));
  }

  void End() {
    done_ = true;
    Json data = Json::array();
    for (size_t i = 0; i < poolers_.size(); ++i) {
      data.push_back({{"object", "embedding"}, {"index", i}, {"embedding", ValuesOf(poolers_[i])}});
    }
    const Json answer = {{"object", "list"},
                         {"data", std::move(data)},
                         {"model", name_},
                         {"usage", {{"prompt_tokens", prompt_tokens_}, {"total_tokens", prompt_tokens_}}}};
    responder_->Send(200, "application/json", Dump(answer));
  }

  void CancelAll() {
    done_ = true;
    for (const RequestId id : ids_) engine_.Cancel(id);
  }

  void Fail(const absl::Status& error) {
    CancelAll();
    SendError(*responder_, error, ErrorJson(error));
  }

  void OnGone() {
    std::lock_guard lock(mutex_);
    if (!done_) CancelAll();
  }

  Engine& engine_;
  const std::string name_;
  const EmbeddingsRequest request_;
  const std::shared_ptr<Responder> responder_;
  std::mutex mutex_;  // guards everything below
  std::vector<Pooler> poolers_;
  std::vector<RequestId> ids_;
  size_t next_ = 0;  // input to be submitted
  size_t num_ended_ = 0;
  int64_t prompt_tokens_ = 0;
  bool done_ = false;  // answered, or nobody listens
};

}  // namespace

Json EmbeddingsProperties() {
  Json properties = Json::object();
  AddProperties<EmbeddingsRequest>(kFields, properties);
  return properties;
}

absl::Status ReadEmbeddingsRequest(const Json& body, const ModelInfo& model, EmbeddingsRequest& request) {
  if (model.embedding_size == 0) {
    return WithDetails(
        FailedPrecondition("the model makes no embeddings; start the server with --pooling last or mean"), "model");
  }
  RETURN_IF_ERROR(ReadFields<EmbeddingsRequest>({"", body}, {kFields}, {}, request));
  if (request.inputs.empty()) return FieldError("input", "is missing");
  const bool has_dimensions = body.contains("dimensions") && !body["dimensions"].is_null();
  if (has_dimensions && (request.dimensions < 1 || request.dimensions > model.embedding_size)) {
    return FieldError("dimensions", absl::StrFormat("is %d; an embedding of this model has 1 to %d", request.dimensions,
                                                    model.embedding_size));
  }
  for (GenerationRequest& input : request.inputs) input.add_special_tokens = request.add_special_tokens;
  return absl::OkStatus();
}

void RunEmbeddings(const ServedModel& model, EmbeddingsRequest request, std::shared_ptr<Responder> responder) {
  std::make_shared<EmbeddingsRun>(model, std::move(request), std::move(responder))->Start();
}

}  // namespace engine

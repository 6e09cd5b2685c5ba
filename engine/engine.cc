#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>

#include "core/base/resident_memory.h"
#include "core/runtime/prompt_lookup.h"
#include "engine/chat_context.h"
#include "engine/default_sampling.h"
#include "engine/draft_model.h"
#include "engine/engine_loop.h"
#include "engine/model_text.h"
#include "engine/open_model.h"
#include "engine/output_form.h"
#include "engine/output_thread.h"
#include "engine/render_prompt.h"
#include "text/token_bytes.h"

namespace engine {
namespace {

// No text of so many bytes for each token fits, unless nearly all of it is blanks; English has four or five. Short contexts
// take a megabyte, of which a request may want the end only.
size_t MaxTextBytes(int max_model_len) {
  constexpr size_t kBytesPerToken = 16;
  return std::max(size_t{1} << 20, kBytesPerToken * static_cast<size_t>(max_model_len));
}

uint64_t RandomSeed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

// The format of most weight bytes.
std::string MainFormat(const Graph& graph) {
  std::map<DType, int64_t> values;
  for (const Value& value : graph.values) {
    const bool is_matrix = value.kind == ValueKind::kWeight && value.spec.shape.rank() == 2;
    if (is_matrix && value.name != "rope_table") values[value.spec.dtype] += value.spec.shape[0] * value.spec.shape[1];
  }
  const auto most = std::ranges::max_element(values, {}, [](const auto& entry) { return entry.second; });
  return most == values.end() ? "" : std::string(Name(most->first));
}

class LocalEngine : public Engine {
 public:
  // Everything but graph, kernels and weights. devices: of the models before; none: new ones.
  absl::Status Open(const EngineOptions& options, Devices devices) {
    ASSIGN_OR_RETURN(opened_, OpenModel(options, std::move(devices)));
    ASSIGN_OR_RETURN(text_, LoadModelText(*opened_.checkpoint, options.chat_template));
    RETURN_IF_ERROR(SetTemplateKwargs(options));
    if (!text_.template_error.ok() && options.warn) {
      options.warn(absl::StrFormat("%s: only plain prompts can be answered, no chats: %s", opened_.path,
                                   Message(text_.template_error)));
    }
    opened_.options.vocab = std::min(text_.tokenizer->vocab_size(), opened_.config.vocab);
    std::erase_if(text_.end_ids, [this](int32_t id) { return id >= opened_.options.vocab; });
    ASSIGN_OR_RETURN(form_, OutputForm::Find(options, text_, opened_.options.vocab));
    opened_.options.limits.eos_token_ids = text_.end_ids;
    if (options.use_generation_config) {
      ASSIGN_OR_RETURN(info_.default_sampling, DefaultSampling(*opened_.checkpoint));
    }
    ASSIGN_OR_RETURN(info_.default_sampling,
                     OverrideSampling(options.override_generation_config, info_.default_sampling));
    return OpenDraft(options);
  }

  // The model, and the one that drafts for it, if any: their memory is planned together.
  std::vector<OpenedModel*> opened() {
    if (draft_ == nullptr) return {&opened_};
    return {&opened_, draft_.get()};
  }

  // planned: of each of opened().
  absl::Status Load(const EngineOptions& options, std::span<PlannedModel> planned) {
    ASSIGN_OR_RETURN(LoadedModel model, LoadModel(opened_, std::move(planned[0])));
    opened_.checkpoint->ReleaseTexts();
    vocab_ = model.vocab;
    Describe(model);
    for (const PlannedModel& draft : planned.subspan(1)) info_.memory.Add(draft.memory);
    text_.tokenizer->LimitText(MaxTextBytes(info_.max_model_len));
    info_.pooling = options.pooling;
    info_.embedding_size = opened_.options.hidden_states ? opened_.config.hidden : 0;
    ASSIGN_OR_RETURN(Scheduler scheduler, NewScheduler(model, opened_.options.limits, options.warn));
    request_timeout_seconds_ = options.request_timeout_seconds;
    open_limits_ = {.running = options.max_num_seqs, .waiting = options.max_queued_requests};
    ASSIGN_OR_RETURN(output_, OutputThread::Create([this](int64_t id) { loop_->Finish(id, FinishReason::kStop); }));
    ASSIGN_OR_RETURN(std::unique_ptr<Drafter> drafter, MakeDrafter(options, planned.subspan(1)));
    EngineLoop::Parts parts = {.scheduler = std::move(scheduler),
                               .runner = std::move(model.runner),
                               .drafter = std::move(drafter),
                               .rules = AnswerRules(*text_.tokenizer, vocab_, text_.end_ids),
                               .pooler = StatePooler(options.pooling == "mean")};
    const auto push = [this](std::vector<TokenEvent> events) { output_->Push(std::move(events)); };
    ASSIGN_OR_RETURN(loop_, EngineLoop::Create(std::move(parts), stats_, push));
    ReturnFreedMemory();
    return absl::OkStatus();
  }

  // The loop stops first, so that nothing is pushed any more. Callbacks of the last updates may still call this engine,
  // so both threads have ended before anything goes away.
  ~LocalEngine() override {
    if (loop_ == nullptr) return;
    loop_->Stop();
    output_->Stop();
  }

  absl::StatusOr<RequestId> Submit(const GenerationRequest& request, UpdateCallback on_update) override {
    if (!on_update) return InvalidArgument("on_update is empty: nobody would get the answer");
    RETURN_IF_ERROR(request.sampling.Validate(vocab_));
    if (request.embed && info_.embedding_size == 0) {
      return FailedPrecondition("the model is loaded to make no embeddings; load it with pooling last or mean");
    }
    if (request.num_speculative_tokens) RETURN_IF_ERROR(CheckNumSpeculativeTokens(*request.num_speculative_tokens));
    ASSIGN_OR_RETURN(RenderedPrompt prompt, RenderPrompt(text_, vocab_, request));
    ASSIGN_OR_RETURN(const ReasoningStart start, form_.Start(request, prompt.tokens));
    ASSIGN_OR_RETURN(RequestOutput::Options options, form_.OutputOptions(request, start));
    options.prompt_tokens = static_cast<int64_t>(prompt.tokens.size());
    ASSIGN_OR_RETURN(const OutputGrammar form, form_.Grammar(request, start));
    ASSIGN_OR_RETURN(AnswerLimits limits, Limits(request, start));
    const bool has_grammar = form.kind != OutputGrammar::Kind::kNone;
    Request queued{.id = next_id_++,
                   .prompt = std::move(prompt.tokens),
                   .params = request.sampling,
                   .seed = request.sampling.seed ? *request.sampling.seed : RandomSeed(),
                   .choice = request.choice,
                   .priority = request.priority,
                   .tenant = request.tenant,
                   .cache_salt = request.cache_salt,
                   .constrained = has_grammar || limits.any(),
                   .max_draft = request.embed ? 0 : MaxDraft(request),
                   .reads_hidden_states = request.embed,
                   .computes_prompt = request.embed && info_.pooling == "mean"};
    RETURN_IF_ERROR(loop_->CheckCanRun(queued));
    if (has_grammar) {
      ASSIGN_OR_RETURN(const GrammarCompiler* compiler, Compiler());
      absl::StatusOr<std::unique_ptr<Grammar>> grammar = compiler->Compile(form);
      if (!grammar.ok()) return OutputForm::Refusal(request, *compiler, grammar.status());
      limits.grammar = *std::move(grammar);
    }
    if (!stats_.Open(request.tenant, open_limits_, request.when_full)) {
      return ResourceExhausted("%d requests run or wait already, as many as may: try again later", open_limits_.all());
    }
    const RequestId id = queued.id;
    auto output = std::make_unique<RequestOutput>(*text_.tokenizer, request, std::move(options),
                                                  Counted(std::move(on_update), Times(queued)));
    absl::Status opened = output_->Open(id, std::move(output));
    if (!opened.ok()) {
      stats_.AbandonOpen(request.tenant);
      return opened;
    }
    loop_->Add(std::move(queued), Deadline(request), std::move(limits));
    return id;
  }

  void Cancel(RequestId id) override { loop_->Finish(id, FinishReason::kAbort); }

  void SetAfterUpdates(std::function<void()> after_updates) override {
    output_->SetAfterUpdates(std::move(after_updates));
  }

  const ModelInfo& model() const override { return info_; }
  EngineStats stats() const override { return stats_.Read(); }

  absl::StatusOr<RenderedPrompt> Render(const GenerationRequest& request) const override {
    return RenderPrompt(text_, vocab_, request);
  }

  absl::StatusOr<std::string> Detokenize(std::span<const int32_t> tokens) const override {
    return text_.tokenizer->Decode(tokens, /*skip_special=*/false);
  }

  std::string TokenBytes(int32_t token) const override { return engine::TokenBytes(*text_.tokenizer, token); }

 private:
  absl::Status OpenDraft(const EngineOptions& options) {
    if (options.draft_model.empty()) return absl::OkStatus();
    if (options.num_speculative_tokens == 0) {
      return InvalidArgument("draft_model is %s, but num_speculative_tokens is 0: give it tokens to draft",
                             options.draft_model);
    }
    auto draft = DraftModel::Open(options, opened_, *text_.tokenizer);
    if (!draft.ok()) return Annotate(draft.status(), "draft model " + options.draft_model);
    draft_ = *std::move(draft);
    return absl::OkStatus();
  }

  // planned_draft: of draft_, if there is one.
  absl::StatusOr<std::unique_ptr<Drafter>> MakeDrafter(const EngineOptions& options,
                                                       std::span<PlannedModel> planned_draft) {
    if (options.num_speculative_tokens == 0) return nullptr;
    if (draft_ == nullptr) return std::make_unique<PromptLookup>();
    auto drafter = DraftModel::Load(std::move(draft_), std::move(planned_draft[0]));
    if (!drafter.ok()) return Annotate(drafter.status(), "draft model " + options.draft_model);
    return *std::move(drafter);
  }

  // Counts before it calls: who has had the last update finds its place in the queue free.
  UpdateCallback Counted(UpdateCallback on_update, RequestTimes times) {
    return [this, on_update = std::move(on_update), times](const GenerationUpdate& update) mutable {
      stats_.Count(update, times);
      on_update(update);
    };
  }

  RequestTimes Times(const Request& request) const {
    const auto prompt_tokens = static_cast<int64_t>(request.prompt.size());
    return {.tenant = request.tenant,
            .prompt_tokens = prompt_tokens,
            .max_tokens = std::min<int64_t>(request.params.max_tokens, info_.max_model_len - prompt_tokens)};
  }

  TimePoint Deadline(const GenerationRequest& request) const {
    const double seconds = request.timeout_seconds > 0 ? request.timeout_seconds : request_timeout_seconds_;
    if (seconds <= 0) return TimePoint::max();
    constexpr double kYear = 365.0 * 86400;
    const std::chrono::duration<double> timeout(std::min(seconds, kYear));
    const TimePoint began = request.began == TimePoint() ? Now() : request.began;
    return began + std::chrono::duration_cast<TimePoint::duration>(timeout);
  }

  // All but the grammar, whose compilation takes its time.
  absl::StatusOr<AnswerLimits> Limits(const GenerationRequest& request, ReasoningStart start) const {
    AnswerLimits limits;
    ASSIGN_OR_RETURN(limits.tokens,
                     TokenRules::Create(request.allowed_token_ids, request.bad_words, *text_.tokenizer, vocab_));
    ASSIGN_OR_RETURN(limits.thinking, form_.Thinking(request, start));
    return limits;
  }

  // Made for the first request that needs it, which waits; others do not.
  absl::StatusOr<const GrammarCompiler*> Compiler() {
    std::lock_guard lock(compiler_mutex_);
    if (compiler_ == nullptr) {
      ASSIGN_OR_RETURN(compiler_, GrammarCompiler::Create(*text_.tokenizer, vocab_, text_.end_ids));
    }
    return compiler_.get();
  }

  int MaxDraft(const GenerationRequest& request) const {
    return std::min(request.num_speculative_tokens.value_or(Draft::kMaxTokens), opened_.num_speculative_tokens);
  }

  // Those that the template reads: of several models that are given the same, some may read more.
  absl::Status SetTemplateKwargs(const EngineOptions& options) {
    ASSIGN_OR_RETURN(const auto kwargs, ReadTemplateKwargs(options.chat_template_kwargs, "chat_template_kwargs"));
    for (const auto& [name, value] : kwargs.items()) {
      if (ReadsVariable(text_.template_source, name)) {
        text_.template_kwargs[name] = value;
      } else if (options.warn) {
        options.warn(absl::StrFormat("%s: its chat template does not read %s, which chat_template_kwargs sets",
                                     opened_.path, name));
      }
    }
    return absl::OkStatus();
  }

  void Describe(const LoadedModel& model) {
    const Runner& runner = *model.runner;
    info_ = {.path = opened_.path,
             .architecture = opened_.config.architecture,
             .weight_format = MainFormat(runner.program().graph),
             .weight_bytes = runner.weights().packed_bytes() + runner.weights().mapped_bytes(),
             .kv_cache_bytes = runner.cache_bytes(),
             .memory = model.memory,
             .max_model_len = opened_.options.limits.max_model_len,
             .vocab_size = model.vocab,
             .chat_template = text_.template_source,
             .chat_template_kwargs = text_.template_kwargs.dump(),
             .tells_reasoning = form_.tells_reasoning(),
             .default_sampling = std::move(info_.default_sampling)};
  }

  OpenedModel opened_;
  std::unique_ptr<OpenedModel> draft_;  // until it is loaded; null: none
  ModelText text_;
  OutputForm form_;
  ModelInfo info_;
  int vocab_ = 0;
  double request_timeout_seconds_ = 0;
  OpenLimits open_limits_;
  std::mutex compiler_mutex_;
  std::unique_ptr<GrammarCompiler> compiler_;  // guarded by compiler_mutex_, and only ever set
  std::atomic<RequestId> next_id_{1};
  StatsBoard stats_;
  std::unique_ptr<OutputThread> output_;
  std::unique_ptr<EngineLoop> loop_;
};

}  // namespace

void WarnOnStderr(const std::string& line) { absl::FPrintF(stderr, "engine: %s\n", line); }

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(const EngineOptions& options) {
  ASSIGN_OR_RETURN(auto engines, CreateTogether({&options, 1}));
  return std::move(engines.front());
}

absl::StatusOr<std::vector<std::unique_ptr<Engine>>> Engine::CreateTogether(std::span<const EngineOptions> options) {
  const auto named = [&](const absl::Status& status, const EngineOptions& model) {
    return options.size() == 1 ? status : Annotate(status, model.model);
  };
  std::vector<std::unique_ptr<LocalEngine>> engines;
  std::vector<OpenedModel*> opened;
  Devices devices;  // every model's
  for (const EngineOptions& model : options) {
    RETURN_IF_ERROR(CheckSharesDevice(options.front(), model));
    engines.push_back(std::make_unique<LocalEngine>());
    RETURN_IF_ERROR(named(engines.back()->Open(model, devices), model));
    for (OpenedModel* one : engines.back()->opened()) opened.push_back(one);
    devices = opened.back()->devices;
  }
  ASSIGN_OR_RETURN(std::vector<PlannedModel> planned, PlanTogether(opened));
  std::vector<std::unique_ptr<Engine>> loaded;
  std::span<PlannedModel> rest = planned;
  for (size_t m = 0; m < engines.size(); ++m) {
    const auto own = rest.first(engines[m]->opened().size());
    rest = rest.subspan(own.size());
    RETURN_IF_ERROR(named(engines[m]->Load(options[m], own), options[m]));
    loaded.push_back(std::move(engines[m]));
  }
  return loaded;
}

}  // namespace engine

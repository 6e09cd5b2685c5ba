#include "backends/backends.h"
#include "core/runtime/scheduler_config.h"
#include "engine/chat_context.h"
#include "engine/default_sampling.h"
#include "engine/engine.h"
#include "engine/open_model.h"
#include "text/output_parser/output_format.h"

namespace engine {
namespace {

constexpr int kMostDevices = 64;  // more than machines have
constexpr int kMostThreads = 1024;

absl::Status CheckDevices(const EngineOptions& options) {
  RETURN_IF_ERROR(CheckDeviceName(options.device));
  if (options.tensor_parallel_size < 1 || options.tensor_parallel_size > kMostDevices) {
    return InvalidArgument("tensor_parallel_size is %d; it must lie in [1, %d]", options.tensor_parallel_size,
                           kMostDevices);
  }
  if (options.threads < 0 || options.threads > kMostThreads) {
    return InvalidArgument("threads is %d; give 1 to %d, or 0 for as many as the process may run on", options.threads,
                           kMostThreads);
  }
  return absl::OkStatus();
}

absl::Status CheckMemory(const EngineOptions& options) {
  if (options.kv_cache_bytes < 0) {
    return InvalidArgument("kv_cache_bytes is %d; it must be at least 0, which chooses a size", options.kv_cache_bytes);
  }
  if (options.memory_utilization >= 0 && options.memory_utilization <= 1) return absl::OkStatus();
  return InvalidArgument("memory_utilization is %g; it must lie in (0, 1], or be 0, which chooses a size",
                         options.memory_utilization);
}

absl::Status CheckChatTemplate(const std::string& source) {
  if (source.empty()) return absl::OkStatus();
  if (source.find("messages") == std::string::npos) {
    return InvalidArgument("chat_template does not read `messages`: it is no template of chats");
  }
  const absl::Status compiled = ChatTemplate::Compile(source).status();
  return compiled.ok() ? compiled : InvalidArgument("chat_template cannot be read: %s", Message(compiled));
}

}  // namespace

absl::Status EngineOptions::Validate() const {
  RETURN_IF_ERROR(CheckDevices(*this));
  RETURN_IF_ERROR(CheckMemory(*this));
  RETURN_IF_ERROR(CheckNumSpeculativeTokens(num_speculative_tokens));
  RETURN_IF_ERROR(FindReasoningFormat(reasoning_parser, "").status());
  RETURN_IF_ERROR(FindToolFormat(tool_call_parser, "").status());
  RETURN_IF_ERROR(CheckChatTemplate(chat_template));
  RETURN_IF_ERROR(ReadTemplateKwargs(chat_template_kwargs, "chat_template_kwargs").status());
  RETURN_IF_ERROR(OverrideSampling(override_generation_config, SamplingParams()).status());
  const SchedulerConfig limits{.max_num_seqs = max_num_seqs,
                               .max_num_batched_tokens = max_num_batched_tokens,
                               .max_model_len = max_model_len == 0 ? kLongestThatFits : max_model_len,
                               .max_sampled = max_num_seqs,
                               .prefill_share = prefill_share};
  return limits.Validate();
}

}  // namespace engine

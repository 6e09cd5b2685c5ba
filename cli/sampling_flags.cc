#include "cli/sampling_flags.h"

namespace engine {

void AddSamplingFlags(FlagSet& flags, SamplingParams& sampling) {
  flags.Add(
      {"--max-tokens,--n-predict,--predict,-n", "N", "most tokens of an answer (default: until the context is full)"},
      sampling.max_tokens);
  flags.Add({"--min-tokens", "N", "no end before this many tokens"}, sampling.min_tokens);
  flags.Add(
      {"--temperature,--temp", "X",
       "0: always the likeliest token; 1: the model's own distribution (default: as its author recommends, else 1)"},
      sampling.temperature);
  flags.Add({"--top-k", "N", "choose among the N likeliest tokens; 0: all"}, sampling.top_k);
  flags.Add({"--top-p", "X",
             "choose among the likeliest tokens that together have probability X (default: as the author recommends, "
             "else 1)"},
            sampling.top_p);
  flags.Add({"--min-p", "X", "drop tokens less likely than X times the likeliest"}, sampling.min_p);
  flags.Add({"--repetition-penalty,--repeat-penalty", "X", "above 1: tokens seen before become less likely"},
            sampling.repetition_penalty);
  flags.Add({"--presence-penalty", "X", "taken from the logit of every token of the answer"},
            sampling.presence_penalty);
  flags.Add({"--frequency-penalty", "X", "the same, once per occurrence"}, sampling.frequency_penalty);
  flags.Add({"--logit-bias", "ID:X,...", "added to the logits of these tokens"}, sampling.logit_bias);
  flags.Add({"--seed,-s", "N", "repeats a random choice exactly"}, sampling.seed);
  flags.Add({"--stop", "TEXT", "end the answer before this text; may be given several times"}, sampling.stop);
  flags.Add({"--stop-token-ids", "ID,...", "end the answer at one of these tokens"}, sampling.stop_token_ids);
  flags.Add({"--ignore-eos", "", "go on after the model's own end of text"}, sampling.ignore_eos);
  flags.Add({"--logprobs", "N", "with -o json: log-probabilities of each token and the N likeliest"},
            sampling.logprobs);
}

}  // namespace engine

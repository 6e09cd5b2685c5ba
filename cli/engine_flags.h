// Flags that several verbs share: which model, on what, within which limits, and how the result is written.
#pragma once

#include <string>
#include <vector>

#include "cli/flags.h"
#include "engine/engine.h"

namespace engine {

// The model of the catalogue that runs when none is named.
inline constexpr char kDefaultModel[] = "smollm2-135m";

void AddModelFlag(FlagSet& flags, std::string& model);
void AddModelsFlag(FlagSet& flags, std::vector<std::string>& models);  // as ReadModels (served_models.h) reads them
void AddNumericsFlag(FlagSet& flags, Numerics& level);
void AddNumericsFlag(FlagSet& flags, std::vector<Numerics>& levels);  // a list, replacing the one it starts with
void AddDeviceFlags(FlagSet& flags, EngineOptions& options);          // device, threads, numerics
void AddTensorParallelFlag(FlagSet& flags, int& size);
void AddKvCacheFlag(FlagSet& flags, EngineOptions& options);
void AddLimitFlags(FlagSet& flags, EngineOptions& options);  // context, batch, cache
// What shapes chats: the model's template and its variables.
void AddChatFlags(FlagSet& flags, EngineOptions& options);
void AddReasoningFlag(FlagSet& flags, EngineOptions& options);
void AddSpeculationFlags(FlagSet& flags, EngineOptions& options);

// Once the flags are read, before anything is loaded: reads the chat template, if a file has it. A usage error where a value
// is one that no model and no machine can have.
absl::Status CompleteOptions(FlagSet& flags, EngineOptions& options);

void AddOutputFlag(FlagSet& flags, std::string& output);  // text or json
void AddTableFlag(FlagSet& flags, std::string& output);   // md, json or csv

}  // namespace engine

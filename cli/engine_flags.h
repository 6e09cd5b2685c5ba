// Flags that several verbs share: which model, on what, within which limits.
#pragma once

#include "cli/flags.h"
#include "engine/engine.h"

namespace engine {

// The model of the catalogue that runs when none is named.
inline constexpr char kDefaultModel[] = "smollm2-135m";

void AddModelFlag(FlagSet& flags, std::string& model);
void AddNumericsFlag(FlagSet& flags, Numerics& level);
void AddNumericsFlag(FlagSet& flags, std::vector<Numerics>& levels);  // a list, replacing the one it starts with
void AddDeviceFlags(FlagSet& flags, EngineOptions& options);          // device, threads, numerics
void AddTensorParallelFlag(FlagSet& flags, int& size);
void AddKvCacheFlag(FlagSet& flags, EngineOptions& options);
void AddLimitFlags(FlagSet& flags, EngineOptions& options);  // context, batch, cache
void AddReasoningFlag(FlagSet& flags, EngineOptions& options);
void AddSpeculationFlags(FlagSet& flags, EngineOptions& options);

}  // namespace engine

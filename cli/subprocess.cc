#include "cli/subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace engine {
namespace {

// Redirections of the child. `output` is the write end of a pipe, or our stderr.
class FileActions {
 public:
  explicit FileActions(int output) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& arguments, int output) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const FileActions actions(output);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], actions.get(), nullptr, argv.data(), environ);
  if (error == ENOENT) return NotFound("the program %s is not installed", arguments[0]);
  if (error != 0) return FailedPrecondition("%s cannot be started: %s", arguments[0], std::strerror(error));
  return child;
}

std::string ReadToEnd(int file_descriptor) {
  std::string text;
  std::array<char, 4096> chunk;
  for (ssize_t count; (count = read(file_descriptor, chunk.data(), chunk.size())) != 0;) {
    if (count > 0) {
      text.append(chunk.data(), count);
    } else if (errno != EINTR) {
      break;
    }
  }
  return text;
}

int WaitFor(pid_t child) {
  int state = 0;
  while (waitpid(child, &state, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

}  // namespace

absl::StatusOr<ProcessResult> RunProcess(const std::vector<std::string>& arguments, bool capture_output) {
  ProcessResult result;
  if (!capture_output) {
    ASSIGN_OR_RETURN(const pid_t child, Spawn(arguments, STDERR_FILENO));
    result.exit_code = WaitFor(child);
    return result;
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FailedPrecondition("no pipe for %s: %s", arguments[0], std::strerror(errno));
  const absl::StatusOr<pid_t> child = Spawn(arguments, ends[1]);
  close(ends[1]);
  if (child.ok()) {
    result.output = ReadToEnd(ends[0]);
    result.exit_code = WaitFor(*child);
  }
  close(ends[0]);
  if (!child.ok()) return child.status();
  return result;
}

}  // namespace engine

#include "server/key_file.h"

#include "absl/strings/str_format.h"

namespace engine {

absl::StatusOr<std::unique_ptr<KeyFile>> KeyFile::Open(std::vector<std::string> fixed, std::string path, Log& log) {
  std::unique_ptr<KeyFile> file(new KeyFile(std::move(fixed), std::move(path), log));
  ASSIGN_OR_RETURN(std::vector<std::string> keys, file->Read());
  ASSIGN_OR_RETURN(file->keys_, ApiKeys::Create(std::move(keys)));
  return file;
}

// Looks before it reads: what is written in between is seen as a change next time.
absl::StatusOr<std::vector<std::string>> KeyFile::Read() {
  std::vector<std::string> keys = fixed_;
  if (path_.empty()) return keys;
  seen_ = FileStamp::Of(path_);
  ASSIGN_OR_RETURN(const std::vector<std::string> read, ApiKeys::ReadFile(path_));
  keys.insert(keys.end(), read.begin(), read.end());
  return keys;
}

void KeyFile::ReloadLocked() {
  if (path_.empty()) return;
  absl::StatusOr<std::vector<std::string>> keys = Read();
  const absl::Status replaced = keys.ok() ? keys_->Replace(*keys) : keys.status();
  if (!replaced.ok()) {
    log_.Warn(absl::StrFormat("the API keys stay as they are: %s", Message(replaced)));
  } else {
    log_.Info(absl::StrFormat("API keys in force: %d of %s", keys->size() - fixed_.size(), path_));
  }
}

void KeyFile::Reload() {
  std::lock_guard lock(mutex_);
  ReloadLocked();
}

void KeyFile::ReloadIfChanged() {
  std::lock_guard lock(mutex_);
  if (!path_.empty() && FileStamp::Of(path_) != seen_) ReloadLocked();
}

}  // namespace engine

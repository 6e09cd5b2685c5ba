// API keys: those of the flags, and those of a file that may change while the server runs.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/file_stamp.h"
#include "server/http/api_keys.h"
#include "server/log.h"

namespace engine {

class KeyFile {
 public:
  // fixed: keys that are always there, before those of the file. path: empty where there is no file. `log` outlives it.
  static absl::StatusOr<std::unique_ptr<KeyFile>> Open(std::vector<std::string> fixed, std::string path, Log& log);

  const std::shared_ptr<ApiKeys>& keys() const { return keys_; }

  // Reads the file again. If it cannot be used the keys stay as they are, and the log says why. Any thread.
  void Reload();
  // The same if the file is another one than at the last look, or was written since.
  void ReloadIfChanged();

 private:
  KeyFile(std::vector<std::string> fixed, std::string path, Log& log)
      : fixed_(std::move(fixed)), path_(std::move(path)), log_(log) {}

  absl::StatusOr<std::vector<std::string>> Read();
  void ReloadLocked();

  const std::vector<std::string> fixed_;
  const std::string path_;
  Log& log_;
  std::shared_ptr<ApiKeys> keys_;  // shared with the router
  std::mutex mutex_;
  FileStamp seen_;  // guarded by mutex_
};

}  // namespace engine

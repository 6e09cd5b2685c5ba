// The certificate and key of a server under TLS, which are renewed while it runs.
#pragma once

#include <array>
#include <mutex>
#include <string>

#include "server/file_stamp.h"
#include "server/http/http_server.h"
#include "server/log.h"

namespace engine {

class CertificateFiles {
 public:
  // Of a server that has read them, and does so again. Both outlive it.
  CertificateFiles(std::string certificate, std::string key, HttpServer& server, Log& log);

  // Has the server read the files again. If they cannot be used it goes on with what it has, and the log says why. Any
  // thread.
  void Reload();
  // The same if a file is another one than at the last look, or was written since.
  void ReloadIfChanged();

 private:
  using Stamps = std::array<FileStamp, 2>;

  Stamps Look() const { return {FileStamp::Of(certificate_), FileStamp::Of(key_)}; }
  void ReloadLocked(const Stamps& seen);
  void LogEnd() const;

  const std::string certificate_, key_;
  HttpServer& server_;
  Log& log_;
  std::mutex mutex_;
  Stamps seen_;  // guarded by mutex_
};

}  // namespace engine

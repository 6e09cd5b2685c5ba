#include "server/certificate_files.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace engine {

CertificateFiles::CertificateFiles(std::string certificate, std::string key, HttpServer& server, Log& log)
    : certificate_(std::move(certificate)), key_(std::move(key)), server_(server), log_(log) {
  Reload();  // what the server has read may have been replaced since
}

void CertificateFiles::LogEnd() const {
  const absl::Time end = absl::FromUnixSeconds(server_.stats().certificate_end);
  const std::string day = absl::FormatTime("%Y-%m-%d %H:%M UTC", end, absl::UTCTimeZone());
  if (end < absl::Now()) {
    log_.Warn(absl::StrFormat("the certificate %s ended on %s: clients will not trust it", certificate_, day));
  } else {
    log_.Info(absl::StrFormat("the certificate %s is in force until %s", certificate_, day));
  }
}

// Looks before it reads: what is written in between is seen as a change next time. A certificate whose key is still to
// come does not match the old key, and is taken with it.
void CertificateFiles::ReloadLocked(const Stamps& seen) {
  seen_ = seen;
  if (const absl::Status reloaded = server_.ReloadTls(); !reloaded.ok()) {
    log_.Warn(absl::StrFormat("the certificate stays as it is: %s", Message(reloaded)));
  } else {
    LogEnd();
  }
}

void CertificateFiles::Reload() {
  std::lock_guard lock(mutex_);
  ReloadLocked(Look());
}

void CertificateFiles::ReloadIfChanged() {
  std::lock_guard lock(mutex_);
  if (const Stamps seen = Look(); seen != seen_) ReloadLocked(seen);
}

}  // namespace engine

// A certificate and its key as TLS uses them. For server/http's own sources: it brings in Asio.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "boost/asio/ssl/context.hpp"
#include "core/base/status.h"

namespace engine {

// Shared by the connections that began under it, and the listener until it has another.
using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// From PEM files: a certificate chain, and the key of its first certificate.
absl::StatusOr<TlsContext> ReadTlsFiles(const std::string& certificate, const std::string& key);

// When the first certificate ends, in seconds since 1970.
int64_t CertificateEnd(const TlsContext& tls);

}  // namespace engine

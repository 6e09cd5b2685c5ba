#include "server/http/tls_files.h"

#include <ctime>

namespace engine {

absl::StatusOr<TlsContext> ReadTlsFiles(const std::string& certificate, const std::string& key) {
  using Context = boost::asio::ssl::context;
  const auto tls = std::make_shared<Context>(Context::tls_server);
  boost::system::error_code error;
  tls->set_options(Context::default_workarounds | Context::no_tlsv1 | Context::no_tlsv1_1, error);
  tls->use_certificate_chain_file(certificate, error);
  if (error) return InvalidArgument("cannot use the certificate %s: %s", certificate, error.message());
  tls->use_private_key_file(key, Context::pem, error);
  if (error) return InvalidArgument("cannot use the key %s: %s", key, error.message());
  return tls;
}

int64_t CertificateEnd(const TlsContext& tls) {
  const X509* certificate = SSL_CTX_get0_certificate(tls->native_handle());
  std::tm end{};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return 0;
  return timegm(&end);
}

}  // namespace engine

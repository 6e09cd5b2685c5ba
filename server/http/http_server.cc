#include "server/http/http_server.h"

#include <filesystem>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/strand.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/system/system_error.hpp"
#include "core/base/thread_name.h"
#include "server/http/connection.h"
#include "server/http/endpoint_name.h"
#include "server/http/tls_files.h"

namespace engine {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Local = asio::local::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;
using ErrorCode = boost::system::error_code;

// When the process has no file descriptors left, others may soon close some.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::milliseconds kIdlePoll{20};

class Listener : public HttpServer {
 public:
  Listener(HttpOptions options, Router router)
      : options_(std::move(options)), router_(std::move(router)), acceptor_(asio::make_strand(io_)) {}
  ~Listener() override { Stop(); }

  absl::Status Open() {
    if (options_.tls_certificate.empty() != options_.tls_key.empty()) {
      return InvalidArgument("TLS needs a certificate and a key; only the %s is given",
                             options_.tls_key.empty() ? "certificate" : "key");
    }
    if (!options_.tls_certificate.empty()) RETURN_IF_ERROR(ReloadTls());
    RETURN_IF_ERROR(options_.unix_socket.empty() ? ListenTcp() : ListenUnix());
    asio::co_spawn(acceptor_.get_executor(), AcceptLoop(), asio::detached);
    for (int t = 0; t < options_.threads; ++t) {
      threads_.emplace_back([this] {
        NameThread("http");
        io_.run();
      });
    }
    return absl::OkStatus();
  }

  absl::Status ReloadTls() override {
    ASSIGN_OR_RETURN(TlsContext tls, ReadTlsFiles(options_.tls_certificate, options_.tls_key));
    std::lock_guard lock(mutex_);
    tls_ = std::move(tls);
    return absl::OkStatus();
  }

  std::string address() const override {
    if (!options_.unix_socket.empty()) return "unix:" + options_.unix_socket;
    return absl::StrFormat("%s://%s", options_.tls_certificate.empty() ? "http" : "https",
                           HostAndPort(options_.host, absl::StrFormat("%d", port_)));
  }
  int port() const override { return port_; }
  HttpServerStats stats() const override {
    const std::vector<std::shared_ptr<Connection>> alive = Connections();
    const auto busy = std::ranges::count_if(alive, [](const auto& connection) { return connection->is_busy(); });
    std::lock_guard lock(mutex_);
    return {.connections = static_cast<int>(alive.size()),
            .answers = static_cast<int>(busy),
            .refused = refused_,
            .certificate_end = tls_ ? CertificateEnd(tls_) : 0};
  }

  void BeginDrain() override {
    CloseAcceptorThen([](Connection& connection) { connection.Drain(); });
  }

  bool WaitUntilIdle(std::chrono::milliseconds timeout) override {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const auto owes_answer = [](const auto& connection) { return connection->owes_answer(); };
    while (std::ranges::any_of(Connections(), owes_answer)) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      std::this_thread::sleep_for(kIdlePoll);
    }
    return true;
  }

  void Stop() override {
    if (threads_.empty()) return;
    CloseAcceptorThen([](Connection& connection) { connection.Close(); });
    io_guard_.reset();
    for (std::jthread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  absl::Status ListenTcp() {
    ErrorCode error;
    Tcp::resolver resolver(io_);
    const auto found = resolver.resolve(options_.host, absl::StrFormat("%d", options_.port),
                                        Tcp::resolver::passive | Tcp::resolver::numeric_service, error);
    if (error || found.empty()) return InvalidArgument("cannot listen on host %s: %s", options_.host, error.message());
    const Tcp::endpoint endpoint = found.begin()->endpoint();
    RETURN_IF_ERROR(Listen(endpoint, absl::StrFormat("%s:%d", options_.host, options_.port)));
    Tcp::endpoint bound;
    const auto local = acceptor_.local_endpoint();
    std::memcpy(bound.data(), local.data(), std::min<size_t>(local.size(), bound.capacity()));
    port_ = bound.port();
    return absl::OkStatus();
  }

  // A socket that a killed server left behind is in the way of the next one; one that answers is not ours to remove.
  absl::Status ListenUnix() {
    RETURN_IF_ERROR(CheckSocketPath(options_.unix_socket));
    ErrorCode error;
    std::error_code ignored;
    Local::socket probe(io_);
    probe.connect(Local::endpoint(options_.unix_socket), error);
    if (!error) return FailedPrecondition("another server listens on %s", options_.unix_socket);
    const auto kind = std::filesystem::status(options_.unix_socket, ignored).type();
    if (kind != std::filesystem::file_type::not_found && kind != std::filesystem::file_type::socket) {
      return FailedPrecondition("%s is in the way of a Unix socket: it is something else", options_.unix_socket);
    }
    if (error == asio::error::connection_refused) ::unlink(options_.unix_socket.c_str());
    return Listen(Local::endpoint(options_.unix_socket), options_.unix_socket);
  }

  template <typename Endpoint>
  absl::Status Listen(const Endpoint& endpoint, const std::string& name) {
    ErrorCode error;
    acceptor_.open(asio::generic::stream_protocol(endpoint.protocol()), error);
    if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(asio::generic::stream_protocol::endpoint(endpoint), error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return ResourceExhausted("cannot listen on %s: %s", name, error.message());
    return absl::OkStatus();
  }

  asio::awaitable<void> AcceptLoop() {
    constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
    while (acceptor_.is_open()) {
      asio::generic::stream_protocol::endpoint peer;
      auto [error, socket] = co_await acceptor_.async_accept(asio::make_strand(io_), peer, kAwait);
      if (!acceptor_.is_open()) co_return;
      if (error) {
        asio::steady_timer pause(io_, kAcceptPause);
        co_await pause.async_wait(kAwait);
        continue;
      }
      if (IsFull()) continue;
      Serve(Transport::Socket(std::move(socket)), peer);
    }
  }

  void Serve(Transport::Socket socket, const asio::generic::stream_protocol::endpoint& peer) {
    if (options_.unix_socket.empty()) {
      ErrorCode ignored;
      socket.set_option(Tcp::no_delay(true), ignored);  // tokens are small, and late ones are noticed
    }
    std::unique_ptr<Transport> transport = MakeTransport(std::move(socket), Tls());
    const auto place = NewPlace();
    // The list has a weak reference, so that a connection lives exactly as long as its loops.
    const std::shared_ptr<Connection> connection(
        new Connection(std::move(transport), NameOf(peer), options_, router_, bodies_),
        [this, place](Connection* done) {
          delete done;
          std::lock_guard lock(mutex_);
          connections_.erase(place);
        });
    {
      std::lock_guard lock(mutex_);
      *place = connection;
    }
    connection->Start();
  }

  TlsContext Tls() const {
    std::lock_guard lock(mutex_);
    return tls_;
  }

  using Places = std::list<std::weak_ptr<Connection>>;
  Places::iterator NewPlace() {
    std::lock_guard lock(mutex_);
    return connections_.emplace(connections_.end());
  }

  std::string NameOf(const asio::generic::stream_protocol::endpoint& peer) const {
    if (!options_.unix_socket.empty()) return "unix";
    Tcp::endpoint endpoint;
    std::memcpy(endpoint.data(), peer.data(), std::min<size_t>(peer.size(), endpoint.capacity()));
    return endpoint.address().to_string();
  }

  // The last reference to a connection must not go while mutex_ is held.
  std::vector<std::shared_ptr<Connection>> Connections() const {
    std::vector<std::shared_ptr<Connection>> alive;
    std::lock_guard lock(mutex_);
    for (const std::weak_ptr<Connection>& weak : connections_) {
      if (auto connection = weak.lock()) alive.push_back(std::move(connection));
    }
    return alive;
  }

  bool IsFull() {
    std::lock_guard lock(mutex_);
    const bool is_full = static_cast<int>(connections_.size()) >= options_.max_connections;
    refused_ += is_full ? 1 : 0;
    return is_full;
  }

  // On the strand of AcceptLoop, so that no connection comes after those that `end` is told of.
  void CloseAcceptorThen(void (*end)(Connection&)) {
    asio::post(acceptor_.get_executor(), [this, end] {
      // As long as it is open the socket's file is ours: a server to come finds somebody there.
      if (acceptor_.is_open() && !options_.unix_socket.empty()) ::unlink(options_.unix_socket.c_str());
      ErrorCode ignored;
      acceptor_.close(ignored);
      for (const auto& connection : Connections()) end(*connection);
    });
  }

  const HttpOptions options_;
  const Router router_;
  const std::shared_ptr<BodyBudget> bodies_ =
      std::make_shared<BodyBudget>(options_.max_bodies_bytes);  // shared with requests
  mutable std::mutex mutex_;
  TlsContext tls_;                                    // guarded by mutex_; null: plain
  int64_t refused_ = 0;                               // guarded by mutex_
  std::list<std::weak_ptr<Connection>> connections_;  // guarded by mutex_
  asio::io_context io_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> io_guard_{io_.get_executor()};
  Acceptor acceptor_;  // on a strand of its own
  int port_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(HttpOptions options, Router router) {
  try {
    auto listener = std::make_unique<Listener>(std::move(options), std::move(router));
    RETURN_IF_ERROR(listener->Open());
    return listener;
  } catch (const boost::system::system_error& error) {  // Asio wants a few open files of its own
    return ResourceExhausted("cannot serve HTTP: %s", error.what());
  }
}

}  // namespace engine

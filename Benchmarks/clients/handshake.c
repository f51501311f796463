// What a new, verified connection of TLS 1.3 for each request costs a minimal program of one thread.
//
//   handshake HOST PORT PATH CA CONNECTIONS SECONDS RESUME(0|1)
//
// Prints `requests N` and `resumed N`. With RESUME each connection offers the last ticket that any got.
#define _GNU_SOURCE
#include "loop.h"

static const char *host, *port, *path;
static SSL_CTX *context;
static struct addrinfo *address;
static int poller, resumes;
static SSL_SESSION *latest;
static unsigned long sent, done, resumed;

static int keep_session(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  if (!resumes || !SSL_SESSION_is_resumable(session)) return 0;
  SSL_SESSION_free(latest);
  latest = session;
  return 1;
}

static void start(struct connection *connection) {
  connection->descriptor = open_socket(address);
  connection->ssl = make_ssl(context, host, connection->descriptor, latest);
  connection->is_open = 0;
  connection->received = connection->left = 0;
  watch(poller, EPOLL_CTL_ADD, connection->descriptor, EPOLLOUT, connection);
}

// The response is there, so the connection has no further use: it says goodbye (without which OpenSSL takes the session
// for a bad one) and does not wait for the server's.
static void restart(struct connection *connection) {
  done++;
  if (SSL_session_reused(connection->ssl)) resumed++;
  SSL_shutdown(connection->ssl);
  SSL_free(connection->ssl);
  // What went wrong with a goodbye is no fault of the next connection.
  ERR_clear_error();
  close(connection->descriptor);
  start(connection);
}

// Which readiness to wait for after a result that is no success; ends the program at a failure.
static void await(struct connection *connection, int result, const char *what) {
  switch (SSL_get_error(connection->ssl, result)) {
  case SSL_ERROR_WANT_READ: watch(poller, EPOLL_CTL_MOD, connection->descriptor, EPOLLIN, connection); return;
  case SSL_ERROR_WANT_WRITE: watch(poller, EPOLL_CTL_MOD, connection->descriptor, EPOLLOUT, connection); return;
  case SSL_ERROR_ZERO_RETURN: die("%s: the server closed the connection", what);
  default: die_of_tls(what, connection->ssl);
  }
}

static void shake_hands(struct connection *connection) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) || error) {
    die("%s:%s: %s", host, port, strerror(error ? error : errno));
  }
  int result = SSL_do_handshake(connection->ssl);
  if (result != 1) {
    await(connection, result, "handshake");
    return;
  }
  char request[1024];
  int length = snprintf(request, sizeof request, "GET %s?row=%lu HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n",
                        path, sent++, host, port);
  if (length >= (int)sizeof request) die("the path is too long");
  // It goes into an empty socket buffer, so it is taken whole.
  if (SSL_write(connection->ssl, request, length) != length) die_of_tls("SSL_write", connection->ssl);
  connection->is_open = 1;
  watch(poller, EPOLL_CTL_MOD, connection->descriptor, EPOLLIN, connection);
}

static void read_response(struct connection *connection) {
  for (;;) {
    size_t room = BUFFER_BYTES - connection->received;
    if (!room) die("a response head of more than %d bytes", BUFFER_BYTES);
    int count = SSL_read(connection->ssl, connection->buffer + connection->received, (int)room);
    if (count <= 0) {
      await(connection, count, "SSL_read");
      return;
    }
    if (take(connection, (size_t)count)) {
      restart(connection);
      return;
    }
  }
}

int main(int argc, char **argv) {
  program = argv[0];
  if (argc != 8 || (strcmp(argv[7], "0") && strcmp(argv[7], "1"))) {
    fprintf(stderr, "usage: %s HOST PORT PATH CA CONNECTIONS SECONDS RESUME(0|1)\n", program);
    return 64;
  }
  host = argv[1], port = argv[2], path = argv[3];
  int count = number("CONNECTIONS", argv[5], 100000);
  double seconds = number("SECONDS", argv[6], 86400);
  resumes = argv[7][0] == '1';
  prepare_process(count);
  context = make_context(argv[4], TLS1_3_VERSION);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  address = resolve(host, port);
  struct connection *connections = calloc((size_t)count, sizeof *connections);
  if (!connections) die("no memory for %d connections", count);
  if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1: %s", strerror(errno));
  for (int i = 0; i < count; i++) start(&connections[i]);
  struct epoll_event events[EVENTS];
  for (double end = now() + seconds; now() < end;) {
    int ready = epoll_wait(poller, events, EVENTS, WAIT_MILLISECONDS);
    if (ready < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < ready; i++) {
      struct connection *connection = events[i].data.ptr;
      if (connection->is_open) read_response(connection);
      else shake_hands(connection);
    }
  }
  if (!done) die("no response within %.0f s", seconds);
  printf("requests %lu\nresumed %lu\n", done, resumed);
  return 0;
}

// The floor: what one thread with an epoll loop over kept-alive connections costs when nothing is recorded.
//
//   floor HOST PORT PATH CA|- CONNECTIONS SECONDS          - for http
//
// Prints `requests N`. Each request has a URL of its own, PATH?row=N.
#define _GNU_SOURCE
#include "loop.h"

static const char *host, *port, *path;
static SSL_CTX *context;
static int poller;
static unsigned long sent, done;

static void send_request(struct connection *connection) {
  char request[1024];
  int length = snprintf(request, sizeof request, "GET %s?row=%lu HTTP/1.1\r\nHost: %s:%s\r\n\r\n", path, sent++, host,
                        port);
  if (length >= (int)sizeof request) die("the path is too long");
  // It is alone in an empty socket buffer, so it is taken whole.
  long taken = connection->ssl ? SSL_write(connection->ssl, request, length)
                               : send(connection->descriptor, request, (size_t)length, MSG_NOSIGNAL);
  if (taken == length) return;
  if (connection->ssl) die_of_tls("SSL_write", connection->ssl);
  die("send: %s", taken < 0 ? strerror(errno) : "only a part was taken");
}

// Bytes into the buffer; 0 if there are none now.
static size_t receive(struct connection *connection) {
  char *space = connection->buffer + connection->received;
  size_t room = BUFFER_BYTES - connection->received;
  if (!room) die("a response head of more than %d bytes", BUFFER_BYTES);
  if (!connection->ssl) {
    ssize_t count = recv(connection->descriptor, space, room, 0);
    if (count > 0) return (size_t)count;
    if (count < 0 && errno == EAGAIN) return 0;
    die("recv: %s", count ? strerror(errno) : "the server closed the connection");
  }
  int count = SSL_read(connection->ssl, space, (int)room);
  if (count > 0) return (size_t)count;
  if (SSL_get_error(connection->ssl, count) == SSL_ERROR_WANT_READ) return 0;
  die_of_tls("SSL_read", connection->ssl);
}

static void open_connection(struct connection *connection) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) || error) {
    die("%s:%s: %s", host, port, strerror(error ? error : errno));
  }
  if (connection->ssl) {
    int result = SSL_do_handshake(connection->ssl);
    if (result != 1) {
      switch (SSL_get_error(connection->ssl, result)) {
      case SSL_ERROR_WANT_READ: watch(poller, EPOLL_CTL_MOD, connection->descriptor, EPOLLIN, connection); return;
      case SSL_ERROR_WANT_WRITE: watch(poller, EPOLL_CTL_MOD, connection->descriptor, EPOLLOUT, connection); return;
      default: die_of_tls("handshake", connection->ssl);
      }
    }
  }
  watch(poller, EPOLL_CTL_MOD, connection->descriptor, EPOLLIN, connection);
  connection->is_open = 1;
  send_request(connection);
}

static void serve(struct connection *connection) {
  if (!connection->is_open) {
    open_connection(connection);
    return;
  }
  size_t count;
  while ((count = receive(connection))) {
    if (take(connection, count)) {
      done++;
      send_request(connection);
      // There can be no answer yet: not to look saves a recv(2).
      return;
    }
  }
}

int main(int argc, char **argv) {
  program = argv[0];
  if (argc != 7) {
    fprintf(stderr, "usage: %s HOST PORT PATH CA|- CONNECTIONS SECONDS\n", program);
    return 64;
  }
  host = argv[1], port = argv[2], path = argv[3];
  int count = number("CONNECTIONS", argv[5], 100000);
  double seconds = number("SECONDS", argv[6], 86400);
  prepare_process(count);
  context = strcmp(argv[4], "-") ? make_context(argv[4], TLS1_2_VERSION) : NULL;
  struct addrinfo *address = resolve(host, port);
  struct connection *connections = calloc((size_t)count, sizeof *connections);
  if (!connections) die("no memory for %d connections", count);
  if ((poller = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1: %s", strerror(errno));
  for (int i = 0; i < count; i++) {
    struct connection *connection = &connections[i];
    connection->descriptor = open_socket(address);
    if (context) connection->ssl = make_ssl(context, host, connection->descriptor, NULL);
    watch(poller, EPOLL_CTL_ADD, connection->descriptor, EPOLLOUT, connection);
  }
  struct epoll_event events[EVENTS];
  for (double end = now() + seconds; now() < end;) {
    int ready = epoll_wait(poller, events, EVENTS, WAIT_MILLISECONDS);
    if (ready < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < ready; i++) serve(events[i].data.ptr);
  }
  if (!done) die("no response within %.0f s", seconds);
  printf("requests %lu\n", done);
  return 0;
}

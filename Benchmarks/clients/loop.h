// What the two C programs have in common: their options, the TLS context, which is as Trawl's (Sources/TLS), and an
// address. Each program is one file that includes this one:
//
//   cc -O2 -Wall -Wextra -Werror floor.c -o floor -lssl -lcrypto
#ifndef LOOP_H
#define LOOP_H

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_BYTES = 16 * 1024, EVENTS = 256, WAIT_MILLISECONDS = 100 };

struct connection {
  SSL *ssl;
  int descriptor;
  int is_open;
  size_t received;
  // What is still to come once the head is known; the buffer need not hold a body.
  size_t left;
  char buffer[BUFFER_BYTES + 1];
};

static const char *program;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...) {
  va_list arguments;
  fprintf(stderr, "%s: ", program);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

// For failures of OpenSSL: its own words about the first one.
static void __attribute__((noreturn)) die_of_tls(const char *what, SSL *ssl) {
  char text[256] = "the server closed the connection";
  unsigned long code = ERR_get_error();
  if (code) ERR_error_string_n(code, text, sizeof text);
  long verified = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
  if (verified != X509_V_OK) die("%s: %s (%s)", what, text, X509_verify_cert_error_string(verified));
  die("%s: %s", what, text);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int number(const char *what, const char *text, int highest) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno || *end || end == text || value < 1 || value > highest) {
    die("%s has to be a number from 1 to %d, not '%s'", what, highest, text);
  }
  return (int)value;
}

static struct addrinfo *resolve(const char *host, const char *port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  int error = getaddrinfo(host, port, &hints, &found);
  if (error) die("%s:%s: %s", host, port, gai_strerror(error));
  return found;
}

// As many descriptors as may be, which many connections need; and a connection that is gone is no reason to die of.
static void prepare_process(int count) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) die("getrlimit: %s", strerror(errno));
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit)) die("setrlimit: %s", strerror(errno));
  if (limit.rlim_cur < (rlim_t)count + 16) {
    die("%d connections need more than the %lu descriptors of this process (ulimit -Hn)", count,
        (unsigned long)limit.rlim_cur);
  }
}

// The choices of Trawl's TLSContext: the groups are OpenSSL's own, of which X25519 is first; certificate and host name
// are verified; the cipher suite whose digest processors have instructions for comes first; read-ahead saves a recv(2)
// for each record; the context itself caches no sessions.
static SSL_CTX *make_context(const char *authorities, int minimum_version) {
  static const unsigned char protocols[] = "\x08http/1.1";
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (!context) die_of_tls("SSL_CTX_new", NULL);
  if (SSL_CTX_set_min_proto_version(context, minimum_version) != 1 ||
      SSL_CTX_set_ciphersuites(context,
                               "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1 ||
      SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1) != 0) {
    die_of_tls("TLS configuration", NULL);
  }
  if (SSL_CTX_load_verify_file(context, authorities) != 1) die_of_tls(authorities, NULL);
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, 32 * 1024);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL |
                                              SSL_SESS_CACHE_NO_AUTO_CLEAR);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  return context;
}

static SSL *make_ssl(SSL_CTX *context, const char *host, int descriptor, SSL_SESSION *session) {
  SSL *ssl = SSL_new(context);
  if (!ssl) die_of_tls("SSL_new", NULL);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (SSL_set_fd(ssl, descriptor) != 1 || SSL_set_tlsext_host_name(ssl, host) != 1 || SSL_set1_host(ssl, host) != 1 ||
      (session && SSL_set_session(ssl, session) != 1)) {
    die_of_tls("a new connection", ssl);
  }
  SSL_set_connect_state(ssl);
  return ssl;
}

// Begins to connect.
static int open_socket(const struct addrinfo *address) {
  int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  if (descriptor < 0) die("socket: %s", strerror(errno));
  if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) die("TCP_NODELAY: %s", strerror(errno));
  if (connect(descriptor, address->ai_addr, address->ai_addrlen) && errno != EINPROGRESS) {
    die("connect: %s", strerror(errno));
  }
  return descriptor;
}

static void watch(int poller, int operation, int descriptor, uint32_t events, void *connection) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (epoll_ctl(poller, operation, descriptor, &event)) die("epoll_ctl: %s", strerror(errno));
}

// The length of a whole response of which `count` bytes are in `bytes`, which end with a zero; 0 if its head has not
// ended. Only status 200 with a Content-Length is known here: it is what the benchmark's server sends.
static size_t response_length(const char *bytes, size_t count) {
  static const char field[] = "\r\nContent-Length:";
  const char *end = memmem(bytes, count, "\r\n\r\n", 4);
  if (!end) return 0;
  if (strncmp(bytes, "HTTP/1.1 200", 12)) die("the server answered '%.*s'", (int)strcspn(bytes, "\r"), bytes);
  for (const char *line = strstr(bytes, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
    if (strncasecmp(line, field, sizeof field - 1)) continue;
    return (size_t)(end + 4 - bytes) + strtoul(line + sizeof field - 1, NULL, 10);
  }
  die("a response without Content-Length");
}

// True when the response is whole.
static int take(struct connection *connection, size_t count) {
  if (connection->left) {
    if (count > connection->left) die("more bytes than the response has");
    connection->left -= count;
    return !connection->left;
  }
  connection->received += count;
  connection->buffer[connection->received] = 0;
  size_t length = response_length(connection->buffer, connection->received);
  if (!length) return 0;
  if (connection->received > length) die("more bytes than the response has");
  connection->left = length - connection->received;
  connection->received = 0;
  return !connection->left;
}

#endif

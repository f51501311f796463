// What the origin server needs from C and Swift cannot call by itself. Each function says why it exists.
// Every name begins with origin_ so that it cannot collide with COpenSSL's or CLinux's shims.
#ifndef TRAWL_ORIGIN_SHIMS_H
#define TRAWL_ORIGIN_SHIMS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <linux/sockios.h>
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

// EVP_EC_gen is a macro around the variadic EVP_PKEY_Q_keygen.
static inline EVP_PKEY *origin_generate_p256(void) { return EVP_EC_gen("P-256"); }

// MBSTRING_ASC is a macro made of another macro, which Swift does not import.
static inline int origin_mbstring_ascii(void) { return MBSTRING_ASC; }

// SSL_CTX_set_mode, _set_session_cache_mode, _set_read_ahead, _set_min/max_proto_version are macros over SSL_CTX_ctrl.
static inline void origin_ctx_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }
static inline void origin_ctx_disable_session_cache(SSL_CTX *context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}
static inline void origin_ctx_enable_read_ahead(SSL_CTX *context) { SSL_CTX_set_read_ahead(context, 1); }
static inline int origin_ctx_set_versions(SSL_CTX *context, int lowest, int highest) {
  return SSL_CTX_set_min_proto_version(context, lowest) && SSL_CTX_set_max_proto_version(context, highest);
}

// ioctl is variadic. Bytes of this socket not yet acknowledged by the peer, or -1.
static inline int origin_unacknowledged_bytes(int descriptor) {
  int count = 0;
  return ioctl(descriptor, SIOCOUTQ, &count) == 0 ? count : -1;
}

// POLLRDHUP is visible only under _GNU_SOURCE, which the Glibc module does not promise.
static inline short origin_pollrdhup(void) { return POLLRDHUP; }

#endif

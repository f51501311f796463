// What the origin server needs from C and Swift cannot call by itself. Each function says why it exists.
// Every name begins with origin_ so that it cannot collide with COpenSSL's or CLinux's shims.
#ifndef TRAWL_ORIGIN_SHIMS_H
#define TRAWL_ORIGIN_SHIMS_H

// Never define _GNU_SOURCE here: it changes fd_set and others, and Swift refuses a program whose modules disagree.

// Headers that the Glibc module leaves out; pthread.h and sys/socket.h because what they define then belongs to this
// module where OpenSSL's headers bring them in first.
#include <linux/sockios.h>
#include <openssl/asn1.h>
#include <openssl/dh.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

// EVP_EC_gen and EVP_RSA_gen are macros around the variadic EVP_PKEY_Q_keygen.
static inline EVP_PKEY *origin_generate_ec(const char *curve) { return EVP_EC_gen(curve); }
static inline EVP_PKEY *origin_generate_rsa(int bits) { return EVP_RSA_gen(bits); }

// DH and its functions are deprecated, which Swift does not let pass; their successors want an array of OSSL_PARAM.
// The generator is 2. Takes ownership of the prime, whatever comes of it.
static inline EVP_PKEY *origin_diffie_hellman_group(BIGNUM *prime) {
  BIGNUM *generator = BN_new();
  DH *group = DH_new();
  EVP_PKEY *key = EVP_PKEY_new();
  if (!generator || !group || !key || !BN_set_word(generator, 2) || !DH_set0_pqg(group, prime, NULL, generator)) {
    // Not the group's yet.
    BN_free(prime);
    BN_free(generator);
  } else if (EVP_PKEY_assign(key, EVP_PKEY_DH, group)) {
    return key;
  }
  DH_free(group);
  EVP_PKEY_free(key);
  return NULL;
}

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
static inline int origin_ctx_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
  return SSL_CTX_add1_chain_cert(context, certificate);
}
static inline void origin_ctx_choose_group(SSL_CTX *context) { SSL_CTX_set_dh_auto(context, 1); }
static inline int origin_set_highest_version(SSL *connection, int version) {
  return SSL_set_max_proto_version(connection, version);
}
static inline void origin_set_mode(SSL *connection, long mode) { SSL_set_mode(connection, mode); }
static inline int origin_new_index(void) { return SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL); }
static inline int origin_error_reason(unsigned long code) { return ERR_GET_REASON(code); }

// SSL_set_min_proto_version and SSL_set_max_proto_version are macros over SSL_ctrl. Versions before 1.2 need the lowest
// security level, too.
static inline int origin_set_versions(SSL *connection, int lowest, int highest) {
  SSL_set_security_level(connection, 0);
  return SSL_set_min_proto_version(connection, lowest) && SSL_set_max_proto_version(connection, highest);
}

// ioctl is variadic. Bytes of this socket not yet sent, or -1.
static inline int origin_unsent_bytes(int descriptor) {
  int count = 0;
  return ioctl(descriptor, SIOCOUTQNSD, &count) == 0 ? count : -1;
}

// accept4 and POLLRDHUP are visible only under _GNU_SOURCE.
extern int accept4(int listener, struct sockaddr *address, socklen_t *length, int flags);
static inline int origin_accept(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
static inline short origin_pollrdhup(void) { return 0x2000; }

#endif

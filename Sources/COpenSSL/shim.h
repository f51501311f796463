// OpenSSL spells a part of its API as function-like macros, which Swift cannot import.
#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline long trawl_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
  return SSL_set_tlsext_host_name(ssl, name);
}
static inline long trawl_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
  return SSL_CTX_set_min_proto_version(context, version);
}
static inline long trawl_SSL_CTX_set_max_proto_version(SSL_CTX *context, int version) {
  return SSL_CTX_set_max_proto_version(context, version);
}
static inline long trawl_SSL_CTX_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }
static inline long trawl_SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
  return SSL_CTX_set_session_cache_mode(context, mode);
}
static inline long trawl_SSL_CTX_add1_chain_cert(SSL_CTX *context, X509 *certificate) {
  return SSL_CTX_add1_chain_cert(context, certificate);
}
static inline long trawl_SSL_CTX_set_read_ahead(SSL_CTX *context, int on) {
  return SSL_CTX_set_read_ahead(context, on);
}
static inline long trawl_SSL_CTX_set_max_cert_list(SSL_CTX *context, long bytes) {
  return SSL_CTX_set_max_cert_list(context, bytes);
}
static inline long trawl_BIO_get_mem_data(BIO *bio, char **start) { return BIO_get_mem_data(bio, start); }
static inline void trawl_OPENSSL_free(void *memory) { OPENSSL_free(memory); }
static inline int trawl_SSL_get_ex_new_index(void) { return SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL); }
static inline int trawl_ERR_get_reason(unsigned long code) { return ERR_GET_REASON(code); }
static inline int trawl_ERR_get_library(unsigned long code) { return ERR_GET_LIB(code); }
static inline unsigned long trawl_SSL_OP_hardening(void) {
  return SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION;
}

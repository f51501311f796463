#include <zmq.h>

// The header shows it only to those who ask for drafts; the library has had it since 4.3.0 either way.
#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

// inflateInit2 is a function-like macro, which Swift cannot import.
#pragma once
#include <zlib.h>

static inline int trawl_inflateInit2(z_stream *stream, int windowBits) { return inflateInit2(stream, windowBits); }

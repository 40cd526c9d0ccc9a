// ChaCha20.
#include "sodium.h"
#include "crypto_stream/chacha20/ref/chacha20_ref.c"
#include "crypto_stream/chacha20/stream_chacha20.c"

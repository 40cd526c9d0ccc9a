// X25519's entry point, which refuses an all-zero result.
#include "sodium.h"
#include "crypto_scalarmult/curve25519/scalarmult_curve25519.c"

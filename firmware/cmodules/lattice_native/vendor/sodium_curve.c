// Curve25519 arithmetic and X25519.
#include "sodium.h"
#include "crypto_core/ed25519/ref10/ed25519_ref10.c"
#include "crypto_scalarmult/curve25519/ref10/x25519_ref10.c"

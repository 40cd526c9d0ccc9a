// Ed25519: key from seed, sign, verify.
#include "sodium.h"
#include "crypto_sign/ed25519/ref10/keypair.c"
#include "crypto_sign/ed25519/ref10/open.c"
#include "crypto_sign/ed25519/ref10/sign.c"

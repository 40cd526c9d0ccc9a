// SHA-512.
#include "sodium.h"
#include "crypto_hash/sha512/cp/hash_sha512_cp.c"

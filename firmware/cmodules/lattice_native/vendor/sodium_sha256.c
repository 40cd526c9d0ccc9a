// SHA-256.
#include "sodium.h"
#include "crypto_hash/sha256/cp/hash_sha256_cp.c"

// The few helpers that the other files ask libsodium's utils.c and randombytes.c for. Those two want an
// operating system (locked pages, guard pages, /dev/urandom), which the stick has not.
#include "sodium.h"
#include "crypto_verify/sodium/verify.c"

#include "../native.h"
#include "core.h"
#include "randombytes.h"
#include "utils.h"

void sodium_memzero(void *const pnt, const size_t len) {
    volatile unsigned char *p = pnt;
    for (size_t i = 0; i < len; i++) {
        p[i] = 0;
    }
}

int sodium_memcmp(const void *const b1_, const void *const b2_, size_t len) {
    const volatile unsigned char *a = b1_;
    const volatile unsigned char *b = b2_;
    unsigned char differing = 0;
    for (size_t i = 0; i < len; i++) {
        differing |= a[i] ^ b[i];
    }
    return (1 & ((differing - 1) >> 8)) - 1;
}

int sodium_is_zero(const unsigned char *n, const size_t nlen) {
    unsigned char bits = 0;
    for (size_t i = 0; i < nlen; i++) {
        bits |= n[i];
    }
    return 1 & ((bits - 1) >> 8);
}

// Lengths are checked before libsodium sees them.
void sodium_misuse(void) {
    mp_raise_ValueError(MP_ERROR_TEXT("length"));
}

void randombytes_buf(void *const buf, const size_t size) {
    native_random(buf, size);
}

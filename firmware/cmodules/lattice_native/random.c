// Random bytes: the system's, the chip's, or (in an emulator of the chip) those of a seed.

#include "native.h"

#include "py/mphal.h"

#if defined(__unix__)

void native_random(uint8_t *buf, size_t size) {
    mp_hal_get_random(size, buf);
}

#elif PICO_RP2350

#ifndef NO_QSTR
#include "blake3.h"
#include "pico/rand.h"
#endif

#define POOL_BYTES 32

static uint8_t pool[POOL_BYTES];

// The SDK's generator mixes 64 raw bits of the chip's noise into each 64 that it gives, but does not hide its state.
// BLAKE3 does: 256 bits from there and the pool give the next pool and 32 bytes, from which neither can be told.
void native_random(uint8_t *buf, size_t size) {
    while (size) {
        rng_128_t noise[2];
        get_rand_128(&noise[0]);
        get_rand_128(&noise[1]);
        uint8_t out[2 * POOL_BYTES];
        blake3_hasher hasher;
        blake3_hasher_init(&hasher);
        blake3_hasher_update(&hasher, pool, sizeof(pool));
        blake3_hasher_update(&hasher, noise, sizeof(noise));
        blake3_hasher_finalize(&hasher, out, sizeof(out));
        memcpy(pool, out, POOL_BYTES);
        size_t count = MIN(size, POOL_BYTES);
        memcpy(buf, out + POOL_BYTES, count);
        buf += count;
        size -= count;
    }
}

#elif LATTICE_QEMU

// boards/qemu/hal.c has native_random: numbers of a seed, for tests. Never an identity's.

#else
#error "name this port's generator of random bytes here"
#endif

static mp_obj_t native_random_bytes(mp_obj_t count) {
    mp_int_t size = mp_obj_get_int(count);
    if (size < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    vstr_t bytes;
    vstr_init_len(&bytes, size);
    native_random((uint8_t *)bytes.buf, size);
    return mp_obj_new_bytes_from_vstr(&bytes);
}
MP_DEFINE_CONST_FUN_OBJ_1(native_random_obj, native_random_bytes);

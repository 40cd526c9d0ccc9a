// X25519 (RFC 7748).

#include "native.h"

#include "crypto_scalarmult_curve25519.h"

static mp_obj_t native_x25519(mp_obj_t scalar, mp_obj_t point) {
    uint8_t shared[NATIVE_KEY_BYTES];
    const uint8_t *point_bytes = native_exact(point, NATIVE_KEY_BYTES);
    if (crypto_scalarmult_curve25519(shared, native_exact(scalar, NATIVE_KEY_BYTES), point_bytes) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("low-order point"));
    }
    return mp_obj_new_bytes(shared, sizeof(shared));
}
MP_DEFINE_CONST_FUN_OBJ_2(native_x25519_obj, native_x25519);

// Ed25519. Verification has the semantics of verify_strict: cofactorless, R recomputed and compared as bytes,
// S < L, small-order and non-canonical A and small-order R refused.

#include "native.h"

#include <string.h>

#include "crypto_sign_ed25519.h"
#include "utils.h"

#define SECRET_BYTES    crypto_sign_ed25519_SECRETKEYBYTES // the seed, then the public key
#define SIGNATURE_BYTES crypto_sign_ed25519_BYTES

// What a verification needs on a Cortex-M33 (3.3 KiB by -fstack-usage); signing needs 1.2 KiB.
#define VERIFY_STACK_BYTES (3584 * (sizeof(void *) / 4))

static mp_obj_t native_ed25519_public(mp_obj_t seed) {
    uint8_t public[NATIVE_KEY_BYTES];
    uint8_t secret[SECRET_BYTES];
    crypto_sign_ed25519_seed_keypair(public, secret, native_exact(seed, NATIVE_KEY_BYTES));
    sodium_memzero(secret, sizeof(secret));
    return mp_obj_new_bytes(public, sizeof(public));
}
MP_DEFINE_CONST_FUN_OBJ_1(native_ed25519_public_obj, native_ed25519_public);

static mp_obj_t native_ed25519_sign(mp_obj_t seed, mp_obj_t public, mp_obj_t message) {
    const uint8_t *seed_bytes = native_exact(seed, NATIVE_KEY_BYTES);
    const uint8_t *public_bytes = native_exact(public, NATIVE_KEY_BYTES);
    mp_buffer_info_t text;
    mp_get_buffer_raise(message, &text, MP_BUFFER_READ);
    uint8_t secret[SECRET_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
    memcpy(secret, seed_bytes, NATIVE_KEY_BYTES);
    memcpy(secret + NATIVE_KEY_BYTES, public_bytes, NATIVE_KEY_BYTES);
    crypto_sign_ed25519_detached(signature, NULL, text.buf, text.len, secret);
    sodium_memzero(secret, sizeof(secret));
    return mp_obj_new_bytes(signature, sizeof(signature));
}
MP_DEFINE_CONST_FUN_OBJ_3(native_ed25519_sign_obj, native_ed25519_sign);

static mp_obj_t native_ed25519_verify(mp_obj_t public, mp_obj_t message, mp_obj_t signature) {
    native_need_stack(VERIFY_STACK_BYTES);
    mp_buffer_info_t key, text, proof;
    mp_get_buffer_raise(public, &key, MP_BUFFER_READ);
    mp_get_buffer_raise(message, &text, MP_BUFFER_READ);
    mp_get_buffer_raise(signature, &proof, MP_BUFFER_READ);
    return mp_obj_new_bool(key.len == NATIVE_KEY_BYTES && proof.len == SIGNATURE_BYTES
        && crypto_sign_ed25519_verify_detached(proof.buf, text.buf, text.len, key.buf) == 0);
}
MP_DEFINE_CONST_FUN_OBJ_3(native_ed25519_verify_obj, native_ed25519_verify);

static mp_obj_t native_ed25519_verify_many(mp_obj_t items) {
    mp_obj_t verdicts = mp_obj_new_list(0, NULL);
    mp_obj_iter_buf_t buffer;
    mp_obj_t iterator = mp_getiter(items, &buffer);
    mp_obj_t item;
    while ((item = mp_iternext(iterator)) != MP_OBJ_STOP_ITERATION) {
        mp_obj_t *parts;
        mp_obj_get_array_fixed_n(item, 3, &parts);
        mp_obj_list_append(verdicts, native_ed25519_verify(parts[0], parts[1], parts[2]));
    }
    return verdicts;
}
MP_DEFINE_CONST_FUN_OBJ_1(native_ed25519_verify_many_obj, native_ed25519_verify_many);

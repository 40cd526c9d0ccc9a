// ChaCha20-Poly1305 (RFC 8439) in place, with Noise's nonce: 4 zero bytes, then a u64, little-endian.

#include "native.h"

#include <string.h>

#include "crypto_onetimeauth_poly1305.h"
#include "crypto_stream_chacha20.h"
#include "crypto_verify_16.h"
#include "utils.h"

static void put_u64(uint8_t *target, uint64_t value) {
    for (int i = 0; i < 8; i++) {
        target[i] = value >> (8 * i);
    }
}

static void nonce_bytes(uint8_t *target, uint64_t nonce) {
    memset(target, 0, 4);
    put_u64(target + 4, nonce);
}

static void mac_padded(crypto_onetimeauth_poly1305_state *state, const uint8_t *data, size_t size) {
    static const uint8_t zeros[16];
    crypto_onetimeauth_poly1305_update(state, data, size);
    crypto_onetimeauth_poly1305_update(state, zeros, -size & 15);
}

static void make_tag(uint8_t *tag, const uint8_t *key, const uint8_t *nonce, const uint8_t *ad, size_t ad_size,
    const uint8_t *text, size_t size) {
    uint8_t block[64];
    uint8_t lengths[16];
    crypto_onetimeauth_poly1305_state state;
    crypto_stream_chacha20_ietf(block, sizeof(block), nonce, key);
    crypto_onetimeauth_poly1305_init(&state, block);
    mac_padded(&state, ad, ad_size);
    mac_padded(&state, text, size);
    put_u64(lengths, ad_size);
    put_u64(lengths + 8, size);
    crypto_onetimeauth_poly1305_update(&state, lengths, sizeof(lengths));
    crypto_onetimeauth_poly1305_final(&state, tag);
    sodium_memzero(block, sizeof(block));
}

void native_seal(const uint8_t *key, uint64_t nonce, const uint8_t *ad, size_t ad_size, uint8_t *buf, size_t length) {
    uint8_t iv[12];
    nonce_bytes(iv, nonce);
    crypto_stream_chacha20_ietf_xor_ic(buf, buf, length, iv, 1, key);
    make_tag(buf + length, key, iv, ad, ad_size, buf, length);
}

bool native_open(const uint8_t *key, uint64_t nonce, const uint8_t *ad, size_t ad_size, uint8_t *buf, size_t length) {
    if (length < NATIVE_TAG_BYTES) {
        return false;
    }
    size_t size = length - NATIVE_TAG_BYTES;
    uint8_t iv[12];
    uint8_t tag[NATIVE_TAG_BYTES];
    nonce_bytes(iv, nonce);
    make_tag(tag, key, iv, ad, ad_size, buf, size);
    if (crypto_verify_16(tag, buf + size) != 0) {
        return false;
    }
    crypto_stream_chacha20_ietf_xor_ic(buf, buf, size, iv, 1, key);
    return true;
}

// The arguments of both functions: (key, nonce, ad, buf, length).
typedef struct {
    const uint8_t *key;
    uint64_t nonce;
    mp_buffer_info_t ad;
    uint8_t *buf;
    size_t length;
} call_t;

// ValueError when `buf` is shorter than length + spare.
static call_t parse(const mp_obj_t *args, size_t spare) {
    call_t call;
    mp_buffer_info_t buf;
    call.key = native_exact(args[0], NATIVE_KEY_BYTES);
    call.nonce = native_u64(args[1]);
    mp_get_buffer_raise(args[2], &call.ad, MP_BUFFER_READ);
    mp_get_buffer_raise(args[3], &buf, MP_BUFFER_WRITE);
    mp_int_t length = mp_obj_get_int(args[4]);
    if (length < 0 || buf.len < spare || (size_t)length > buf.len - spare) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    call.buf = buf.buf;
    call.length = length;
    return call;
}

static mp_obj_t native_aead_seal(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    call_t call = parse(args, NATIVE_TAG_BYTES);
    native_seal(call.key, call.nonce, call.ad.buf, call.ad.len, call.buf, call.length);
    return MP_OBJ_NEW_SMALL_INT(call.length + NATIVE_TAG_BYTES);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(native_aead_seal_obj, 5, 5, native_aead_seal);

static mp_obj_t native_aead_open(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    call_t call = parse(args, 0);
    bool authentic = native_open(call.key, call.nonce, call.ad.buf, call.ad.len, call.buf, call.length);
    return MP_OBJ_NEW_SMALL_INT(authentic ? (mp_int_t)call.length - NATIVE_TAG_BYTES : -1);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(native_aead_open_obj, 5, 5, native_aead_open);

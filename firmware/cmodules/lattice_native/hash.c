// BLAKE3, whole and incremental, and SHA-256.

#include "native.h"

#include <blake3.h>
#include "crypto_hash_sha256.h"

typedef struct {
    mp_obj_base_t base;
    blake3_hasher state; // 1,912 bytes, on the heap: the stack is too small for it
} hasher_obj_t;

// Chunk by chunk: given more at once, BLAKE3 works on a tree and takes half a KiB of stack for each of its levels.
static void update(blake3_hasher *state, const mp_buffer_info_t *data) {
    for (size_t start = 0; start < data->len; start += BLAKE3_CHUNK_LEN) {
        size_t size = MIN(data->len - start, BLAKE3_CHUNK_LEN);
        blake3_hasher_update(state, (const uint8_t *)data->buf + start, size);
    }
}

static mp_obj_t hasher_update(mp_obj_t self_in, mp_obj_t data) {
    hasher_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_buffer_info_t info;
    mp_get_buffer_raise(data, &info, MP_BUFFER_READ);
    update(&self->state, &info);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(hasher_update_obj, hasher_update);

static mp_obj_t hasher_digest(mp_obj_t self_in) {
    hasher_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t digest[BLAKE3_OUT_LEN];
    blake3_hasher_finalize(&self->state, digest, sizeof(digest));
    return mp_obj_new_bytes(digest, sizeof(digest));
}
static MP_DEFINE_CONST_FUN_OBJ_1(hasher_digest_obj, hasher_digest);

static const mp_rom_map_elem_t hasher_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_update), MP_ROM_PTR(&hasher_update_obj) },
    { MP_ROM_QSTR(MP_QSTR_digest), MP_ROM_PTR(&hasher_digest_obj) },
};
static MP_DEFINE_CONST_DICT(hasher_locals, hasher_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(hasher_type, MP_QSTR_Hasher, MP_TYPE_FLAG_NONE, locals_dict, &hasher_locals);

static mp_obj_t native_blake3(void) {
    hasher_obj_t *self = mp_obj_malloc(hasher_obj_t, &hasher_type);
    blake3_hasher_init(&self->state);
    return MP_OBJ_FROM_PTR(self);
}
MP_DEFINE_CONST_FUN_OBJ_0(native_blake3_obj, native_blake3);

static mp_obj_t native_blake3_digest(mp_obj_t data) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(data, &info, MP_BUFFER_READ);
    hasher_obj_t *hasher = MP_OBJ_TO_PTR(native_blake3());
    update(&hasher->state, &info);
    mp_obj_t digest = hasher_digest(MP_OBJ_FROM_PTR(hasher));
    m_del_obj(hasher_obj_t, hasher);
    return digest;
}
MP_DEFINE_CONST_FUN_OBJ_1(native_blake3_digest_obj, native_blake3_digest);

static mp_obj_t native_sha256(mp_obj_t data) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(data, &info, MP_BUFFER_READ);
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, info.buf, info.len);
    return mp_obj_new_bytes(digest, sizeof(digest));
}
MP_DEFINE_CONST_FUN_OBJ_1(native_sha256_obj, native_sha256);

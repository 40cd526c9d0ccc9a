// lattice_native: what Python is too slow or too careless for on the stick. Interface: lattice_native.pyi.
//
// To add a function: write it in a file of its own, declare its object in native.h, name it in the table
// below, in micropython.mk and micropython.cmake, in lattice_native.pyi, and give it a twin for CPython.

#include "native.h"

#include "py/cstack.h"
#include "py/objint.h"

const uint8_t *native_exact(mp_obj_t object, size_t size) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(object, &info, MP_BUFFER_READ);
    if (info.len != size) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    return info.buf;
}

uint64_t native_u64(mp_obj_t object) {
    if (mp_obj_is_small_int(object)) {
        mp_int_t value = MP_OBJ_SMALL_INT_VALUE(object);
        if (value >= 0) {
            return value;
        }
    } else if (mp_obj_is_exact_type(object, &mp_type_int)) {
        uint8_t bytes[8];
        if (mp_obj_int_sign(object) >= 0 && mp_obj_int_to_bytes_impl(object, false, sizeof(bytes), bytes)) {
            uint64_t value = 0;
            for (int i = 7; i >= 0; i--) {
                value = value << 8 | bytes[i];
            }
            return value;
        }
    }
    mp_raise_ValueError(MP_ERROR_TEXT("not a u64"));
}

void native_need_stack(size_t size) {
    if (mp_cstack_usage() + size > MP_STATE_THREAD(stack_limit)) {
        mp_raise_recursion_depth();
    }
}

static const mp_rom_map_elem_t native_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_lattice_native) },
    // hash.c
    { MP_ROM_QSTR(MP_QSTR_blake3), MP_ROM_PTR(&native_blake3_obj) },
    { MP_ROM_QSTR(MP_QSTR_blake3_digest), MP_ROM_PTR(&native_blake3_digest_obj) },
    { MP_ROM_QSTR(MP_QSTR_sha256), MP_ROM_PTR(&native_sha256_obj) },
    // ed25519.c
    { MP_ROM_QSTR(MP_QSTR_ed25519_public), MP_ROM_PTR(&native_ed25519_public_obj) },
    { MP_ROM_QSTR(MP_QSTR_ed25519_sign), MP_ROM_PTR(&native_ed25519_sign_obj) },
    { MP_ROM_QSTR(MP_QSTR_ed25519_verify), MP_ROM_PTR(&native_ed25519_verify_obj) },
    { MP_ROM_QSTR(MP_QSTR_ed25519_verify_many), MP_ROM_PTR(&native_ed25519_verify_many_obj) },
    // x25519.c
    { MP_ROM_QSTR(MP_QSTR_x25519), MP_ROM_PTR(&native_x25519_obj) },
    // aead.c
    { MP_ROM_QSTR(MP_QSTR_aead_seal), MP_ROM_PTR(&native_aead_seal_obj) },
    { MP_ROM_QSTR(MP_QSTR_aead_open), MP_ROM_PTR(&native_aead_open_obj) },
    // frame.c
    { MP_ROM_QSTR(MP_QSTR_frame_open), MP_ROM_PTR(&native_frame_open_obj) },
    { MP_ROM_QSTR(MP_QSTR_frame_seal), MP_ROM_PTR(&native_frame_seal_obj) },
    // index.c
    { MP_ROM_QSTR(MP_QSTR_column_find), MP_ROM_PTR(&native_column_find_obj) },
    // random.c
    { MP_ROM_QSTR(MP_QSTR_random), MP_ROM_PTR(&native_random_obj) },
};
static MP_DEFINE_CONST_DICT(native_globals, native_globals_table);

const mp_obj_module_t native_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&native_globals,
};

MP_REGISTER_MODULE(MP_QSTR_lattice_native, native_module);

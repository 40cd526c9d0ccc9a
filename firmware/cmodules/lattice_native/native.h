// Shared by the files of the module: buffers from Python, and what one file offers the others.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "py/obj.h"
#include "py/runtime.h"

#define NATIVE_KEY_BYTES   (32)
#define NATIVE_TAG_BYTES   (16)

// -- arguments -------------------------------------------------------------------------------------------------

// Bytes of exactly `size`, or ValueError.
const uint8_t *native_exact(mp_obj_t object, size_t size);

// The u64 value of a Python int, or ValueError when it is negative or larger.
uint64_t native_u64(mp_obj_t object);

// Raises RuntimeError ("maximum recursion depth exceeded") when less than `size` bytes of stack are left: C code
// that needs much would otherwise run over the device's 12 KiB unseen.
void native_need_stack(size_t size);

// -- aead.c: ChaCha20-Poly1305 in place (docs of aead_seal, aead_open in lattice_native.pyi) --------------------

// buf holds length + NATIVE_TAG_BYTES.
void native_seal(const uint8_t *key, uint64_t nonce, const uint8_t *ad, size_t ad_size, uint8_t *buf, size_t length);

// `length` includes the tag. False: not authentic, buf is unchanged.
bool native_open(const uint8_t *key, uint64_t nonce, const uint8_t *ad, size_t ad_size, uint8_t *buf, size_t length);

// -- random.c --------------------------------------------------------------------------------------------------

void native_random(uint8_t *buf, size_t size);

// -- what the module's table names -----------------------------------------------------------------------------

MP_DECLARE_CONST_FUN_OBJ_0(native_blake3_obj);
MP_DECLARE_CONST_FUN_OBJ_1(native_blake3_digest_obj);
MP_DECLARE_CONST_FUN_OBJ_1(native_sha256_obj);
MP_DECLARE_CONST_FUN_OBJ_1(native_ed25519_public_obj);
MP_DECLARE_CONST_FUN_OBJ_3(native_ed25519_sign_obj);
MP_DECLARE_CONST_FUN_OBJ_3(native_ed25519_verify_obj);
MP_DECLARE_CONST_FUN_OBJ_1(native_ed25519_verify_many_obj);
MP_DECLARE_CONST_FUN_OBJ_2(native_x25519_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(native_aead_seal_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(native_aead_open_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(native_frame_open_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(native_frame_seal_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(native_column_find_obj);
MP_DECLARE_CONST_FUN_OBJ_1(native_random_obj);

// Random bytes from the system's generator.

#include "native.h"

#include "py/mphal.h"

#if !defined(__unix__)
#error "name this port's generator of random bytes here"
#endif

void native_random(uint8_t *buf, size_t size) {
    mp_hal_get_random(size, buf);
}

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

// lattice_qemu, for the tests: what the computer handed over, the machine's end, and how many instructions ran.

#include "control.h"
#include "py/objarray.h"
#include "py/objlist.h"
#include "py/runtime.h"

#if LATTICE_TESTS

#define CHIPS_BYTES (DISK_START - SHARED_START)

static mp_obj_t qemu_words(void) {
    mp_obj_t words = mp_obj_new_list(0, NULL);
    const char *text = (const char *)CONTROL->words;
    while (*text) {
        mp_obj_t word = mp_obj_new_str(text, strlen(text));
        mp_obj_list_append(words, word);
        text += strlen(text) + 1;
    }
    return words;
}
static MP_DEFINE_CONST_FUN_OBJ_0(qemu_words_obj, qemu_words);

static mp_obj_t qemu_disk(void) {
    return mp_obj_new_memoryview('B', CONTROL->disk_bytes, (void *)DISK_START);
}
static MP_DEFINE_CONST_FUN_OBJ_0(qemu_disk_obj, qemu_disk);

static mp_obj_t qemu_chips(void) {
    return mp_obj_new_memoryview('B' | MP_OBJ_ARRAY_TYPECODE_FLAG_RW, CHIPS_BYTES, (void *)SHARED_START);
}
static MP_DEFINE_CONST_FUN_OBJ_0(qemu_chips_obj, qemu_chips);

static mp_obj_t qemu_ticks_so_far(void) {
    return mp_obj_new_int_from_ull(qemu_ticks() - qemu_idle_ticks);
}
static MP_DEFINE_CONST_FUN_OBJ_0(qemu_ticks_obj, qemu_ticks_so_far);

static mp_obj_t qemu_exit_with(mp_obj_t status) {
    qemu_exit(mp_obj_get_int(status));
}
static MP_DEFINE_CONST_FUN_OBJ_1(qemu_exit_obj, qemu_exit_with);

static const mp_rom_map_elem_t qemu_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_lattice_qemu) },
    { MP_ROM_QSTR(MP_QSTR_words), MP_ROM_PTR(&qemu_words_obj) },
    { MP_ROM_QSTR(MP_QSTR_disk), MP_ROM_PTR(&qemu_disk_obj) },
    { MP_ROM_QSTR(MP_QSTR_chips), MP_ROM_PTR(&qemu_chips_obj) },
    { MP_ROM_QSTR(MP_QSTR_ticks), MP_ROM_PTR(&qemu_ticks_obj) },
    { MP_ROM_QSTR(MP_QSTR_exit), MP_ROM_PTR(&qemu_exit_obj) },
};
static MP_DEFINE_CONST_DICT(qemu_globals, qemu_globals_table);

const mp_obj_module_t lattice_qemu_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&qemu_globals,
};
MP_REGISTER_MODULE(MP_QSTR_lattice_qemu, lattice_qemu_module);

#endif

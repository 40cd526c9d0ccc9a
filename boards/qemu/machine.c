// machine, as far as firmware/ports/rp2.py uses it: a reset, and a pin with the LED.

#include <string.h>

#include "control.h"
#include "py/runtime.h"

static const mp_obj_base_t led;

static mp_obj_t pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 2, false);
    if (strcmp(mp_obj_str_get_str(args[0]), "LED")) {
        mp_raise_ValueError(MP_ERROR_TEXT("unknown pin"));
    }
    return MP_OBJ_FROM_PTR(&led);
}

static mp_obj_t pin_value(mp_obj_t self, mp_obj_t value) {
    CONTROL->led = mp_obj_is_true(value);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(pin_value_obj, pin_value);

static const mp_rom_map_elem_t pin_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&pin_value_obj) },
};
static MP_DEFINE_CONST_DICT(pin_locals, pin_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(pin_type, MP_QSTR_Pin, MP_TYPE_FLAG_NONE,
    make_new, pin_make_new, locals_dict, &pin_locals);
static const mp_obj_base_t led = { &pin_type };

static mp_obj_t machine_reset(void) {
    qemu_reset();
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_reset_obj, machine_reset);

static const mp_rom_map_elem_t machine_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_machine) },
    { MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&pin_type) },
    { MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&machine_reset_obj) },
};
static MP_DEFINE_CONST_DICT(machine_globals, machine_globals_table);

const mp_obj_module_t lattice_machine_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&machine_globals,
};
MP_REGISTER_MODULE(MP_QSTR_machine, lattice_machine_module);

// _rp2, as far as firmware/ports/rp2.py uses it: the data part of the flash chip, and the button.
//
// The rules of NOR flash: erasing sets 4 KiB to 0xff, programs go by 256 bytes and only clear bits. A program that would
// set one ends the machine: on a chip it would silently store something else. `cut_at` cuts the power when the operation
// of that number is half done.

#include <string.h>

#include "control.h"
#include "extmod/vfs.h"
#include "py/mphal.h"
#include "py/runtime.h"

#define BLOCK_BYTES (4096)
#define PAGE_BYTES  (256)
#define CUT_STATUS  (75)
#define NOT_NOR_STATUS (76)

static void operation(volatile uint32_t *counter, uint8_t *at, const uint8_t *bytes, size_t size) {
    bool cut = CONTROL->cut_at && CONTROL->erases + CONTROL->programs + 1 == CONTROL->cut_at;
    size_t done = cut ? size / 2 : size;
    if (bytes) {
        memcpy(at, bytes, done);
    } else {
        memset(at, 0xff, done);
    }
    if (cut) {
        qemu_exit(CUT_STATUS);
    }
    ++*counter;
}

static void not_nor(const char *why) {
    mp_printf(&mp_plat_print, "no NOR flash can do this: %s\n", why);
    qemu_exit(NOT_NOR_STATUS);
}

static void erase(uint8_t *at) {
    operation(&CONTROL->erases, at, NULL, BLOCK_BYTES);
}

static void program(uint8_t *at, const uint8_t *page) {
    for (size_t i = 0; i < PAGE_BYTES; i++) {
        if (page[i] & ~at[i]) {
            not_nor("a program that sets bits");
        }
    }
    operation(&CONTROL->programs, at, page, PAGE_BYTES);
}

// Where in the chip, which is checked: `size` bytes at `offset` of a block.
static uint8_t *place(mp_obj_t block, mp_int_t offset, size_t size) {
    uint32_t from = CONTROL->chip_start + mp_obj_get_int(block) * BLOCK_BYTES + offset;
    if (from < CONTROL->chip_start || from + size > CONTROL->chip_bytes) {
        not_nor("an address beyond the chip");
    }
    return (uint8_t *)SHARED_START + from;
}

static const mp_obj_base_t flash;

static mp_obj_t flash_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&flash);
}

static mp_obj_t flash_readblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[2], &info, MP_BUFFER_WRITE);
    memcpy(info.buf, place(args[1], n_args == 4 ? mp_obj_get_int(args[3]) : 0, info.len), info.len);
    mp_event_handle_nowait();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_readblocks_obj, 3, 4, flash_readblocks);

static mp_obj_t flash_writeblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[2], &info, MP_BUFFER_READ);
    mp_int_t offset = n_args == 4 ? mp_obj_get_int(args[3]) : 0;
    uint8_t *at = place(args[1], offset, info.len);
    if (offset % PAGE_BYTES || info.len % PAGE_BYTES) {
        not_nor("a part of a page");
    }
    if (n_args == 3) {
        for (size_t done = 0; done < info.len; done += BLOCK_BYTES) {
            erase(at + done);
        }
    }
    for (size_t done = 0; done < info.len; done += PAGE_BYTES) {
        program(at + done, (const uint8_t *)info.buf + done);
    }
    mp_event_handle_nowait();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(flash_writeblocks_obj, 3, 4, flash_writeblocks);

static mp_obj_t flash_ioctl(mp_obj_t self, mp_obj_t operation, mp_obj_t argument) {
    switch (mp_obj_get_int(operation)) {
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT((CONTROL->chip_bytes - CONTROL->chip_start) / BLOCK_BYTES);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(BLOCK_BYTES);
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
            erase(place(argument, 0, BLOCK_BYTES));
            MP_FALLTHROUGH
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return MP_OBJ_NEW_SMALL_INT(0);
        default:
            return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(flash_ioctl_obj, flash_ioctl);

static const mp_rom_map_elem_t flash_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&flash_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&flash_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&flash_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(flash_locals, flash_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(flash_type, MP_QSTR_Flash, MP_TYPE_FLAG_NONE,
    make_new, flash_make_new, locals_dict, &flash_locals);
static const mp_obj_base_t flash = { &flash_type };

static mp_obj_t rp2_bootsel_button(void) {
    return MP_OBJ_NEW_SMALL_INT(mp_hal_ticks_ms() < CONTROL->button_ms);
}
static MP_DEFINE_CONST_FUN_OBJ_0(rp2_bootsel_button_obj, rp2_bootsel_button);

static const mp_rom_map_elem_t rp2_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__rp2) },
    { MP_ROM_QSTR(MP_QSTR_Flash), MP_ROM_PTR(&flash_type) },
    { MP_ROM_QSTR(MP_QSTR_bootsel_button), MP_ROM_PTR(&rp2_bootsel_button_obj) },
};
static MP_DEFINE_CONST_DICT(rp2_globals, rp2_globals_table);

const mp_obj_module_t lattice_rp2_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&rp2_globals,
};
MP_REGISTER_MODULE(MP_QSTR__rp2, lattice_rp2_module);

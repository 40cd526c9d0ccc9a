// lattice_board: the USB port of the stick as the link wants it, the stack of calls, the watchdog, and a few words that
// outlive a reset.
//
//   read_into(buffer) -> bytes that had come and are now in `buffer`, 0 when none
//   send(data) -> how many bytes of `data` were taken
//   wait(timeout_ms, writing) -> until bytes have come, or (`writing`) some would be taken, or the time is over
//   watch(limit_ms): from now on the board is reset when for so long nothing has called `read_into`, `wait` or `alive`
//   alive(): there is progress
//   keep(words): for after the next reset; power off loses them
//   kept() -> those words, "" when there are none; they are gone then
//   bitten() -> True when the watchdog's time had run out before this start

#include <string.h>

#include "py/mphal.h"
#include "py/obj.h"
#include "py/pystack.h"
#include "py/runtime.h"
#include "py/stream.h"

#ifndef NO_QSTR
#include "hardware/watchdog.h"
#include "mp_usbd.h"
#include "mp_usbd_cdc.h"
#include "pico/time.h"
#include "tusb.h"
#endif

#define CDC LATTICE_LINK_CDC

static mp_obj_t call_states[1024]; // 4 KiB, as on the unix port

void lattice_board_early_init(void) {
    mp_pystack_init(call_states, &call_states[MP_ARRAY_SIZE(call_states)]);
}

#ifndef NO_QSTR

#if LATTICE_DEBUG

// CDC 0 is the REPL's.
extern ringbuf_t stdin_ringbuf;

static void take_typed(void) {
    while (ringbuf_free(&stdin_ringbuf) && tud_cdc_n_available(0)) {
        int c = tud_cdc_n_read_char(0);
        if (c == mp_interrupt_char) {
            stdin_ringbuf.iget = stdin_ringbuf.iput = 0;
            mp_sched_keyboard_interrupt();
        } else {
            ringbuf_put(&stdin_ringbuf, c);
        }
    }
}

uintptr_t mp_usbd_cdc_poll_interfaces(uintptr_t poll_flags) {
    mp_usbd_task();
    take_typed();
    uintptr_t ready = poll_flags & MP_STREAM_POLL_WR;
    if ((poll_flags & MP_STREAM_POLL_RD) && ringbuf_peek(&stdin_ringbuf) != -1) {
        ready |= MP_STREAM_POLL_RD;
    }
    return ready;
}

// What nobody reads is dropped.
mp_uint_t mp_usbd_cdc_tx_strn(const char *str, mp_uint_t len) {
    if (tud_inited()) {
        tud_cdc_n_write(0, str, len);
        tud_cdc_n_write_flush(0);
    }
    return len;
}

void tud_cdc_rx_cb(uint8_t itf) {
    if (itf == 0) {
        take_typed();
    }
}

#else

// No REPL on USB: what is printed goes nowhere, nothing is ever typed.
uintptr_t mp_usbd_cdc_poll_interfaces(uintptr_t poll_flags) {
    return poll_flags & MP_STREAM_POLL_WR;
}

mp_uint_t mp_usbd_cdc_tx_strn(const char *str, mp_uint_t len) {
    return len;
}

void tud_cdc_rx_cb(uint8_t itf) {
}

#endif

// The hardware's watchdog ends after 8.4 s at most; some work takes longer (a large batch, formatting). A timer's
// interrupt feeds it as long as there was progress within the limit; with interrupts off for 8 s it bites as well.
#define HARDWARE_LIMIT_MS 8000
#define FEED_EACH_MS 1000

static volatile uint32_t last_alive_ms;
static uint32_t limit_ms;
static repeating_timer_t feeder;

static void note_alive(void) {
    last_alive_ms = mp_hal_ticks_ms();
}

static bool feed(repeating_timer_t *timer) {
    if (mp_hal_ticks_ms() - last_alive_ms < limit_ms) {
        watchdog_update();
    }
    return true;
}

#define KEPT_BYTES 120
#define KEPT_MARK 0x4c61744eu

static struct {
    uint32_t mark;
    uint32_t count;
    char words[KEPT_BYTES];
} kept __attribute__((section(".uninitialized_data")));

#endif

static mp_obj_t board_read_into(mp_obj_t buffer) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(buffer, &info, MP_BUFFER_WRITE);
    note_alive();
    return MP_OBJ_NEW_SMALL_INT(tud_cdc_n_read(CDC, info.buf, info.len));
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_read_into_obj, board_read_into);

static mp_obj_t board_send(mp_obj_t data) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(data, &info, MP_BUFFER_READ);
    uint32_t taken = 0;
    if (tud_cdc_n_connected(CDC)) {
        taken = tud_cdc_n_write(CDC, info.buf, info.len);
        tud_cdc_n_write_flush(CDC);
    }
    return MP_OBJ_NEW_SMALL_INT(taken);
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_send_obj, board_send);

static mp_obj_t board_wait(mp_obj_t timeout_ms, mp_obj_t writing) {
    mp_uint_t start = mp_hal_ticks_ms();
    mp_int_t timeout = mp_obj_get_int(timeout_ms);
    bool for_room = mp_obj_is_true(writing);
    for (;;) {
        mp_event_handle_nowait();
        note_alive();
        if (tud_cdc_n_available(CDC)) {
            break;
        }
        if (for_room && tud_cdc_n_connected(CDC) && tud_cdc_n_write_available(CDC)) {
            break;
        }
        mp_int_t left = timeout - (mp_int_t)(mp_hal_ticks_ms() - start);
        if (left <= 0) {
            break;
        }
        mp_event_wait_ms(left);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(board_wait_obj, board_wait);

static mp_obj_t board_watch(mp_obj_t limit) {
    limit_ms = mp_obj_get_int(limit);
    note_alive();
    watchdog_enable(HARDWARE_LIMIT_MS, true);
    add_repeating_timer_ms(-FEED_EACH_MS, feed, NULL, &feeder);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_watch_obj, board_watch);

static mp_obj_t board_alive(void) {
    note_alive();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_alive_obj, board_alive);

static mp_obj_t board_keep(mp_obj_t words) {
    size_t count;
    const char *text = mp_obj_str_get_data(words, &count);
    if (count > KEPT_BYTES) {
        count = KEPT_BYTES;
        while (count && (text[count] & 0xc0) == 0x80) {
            count--; // not in the middle of a character
        }
    }
    memcpy(kept.words, text, count);
    kept.count = count;
    kept.mark = KEPT_MARK;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_keep_obj, board_keep);

static mp_obj_t board_kept(void) {
    bool any = kept.mark == KEPT_MARK && kept.count <= KEPT_BYTES;
    kept.mark = 0;
    return any ? mp_obj_new_str(kept.words, kept.count) : MP_OBJ_NEW_QSTR(MP_QSTR_);
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_kept_obj, board_kept);

static mp_obj_t board_bitten(void) {
    return mp_obj_new_bool(watchdog_enable_caused_reboot());
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_bitten_obj, board_bitten);

static const mp_rom_map_elem_t board_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_lattice_board) },
    #if LATTICE_DEBUG
    { MP_ROM_QSTR(MP_QSTR_DEBUG), MP_ROM_TRUE },
    #else
    { MP_ROM_QSTR(MP_QSTR_DEBUG), MP_ROM_FALSE },
    #endif
    { MP_ROM_QSTR(MP_QSTR_read_into), MP_ROM_PTR(&board_read_into_obj) },
    { MP_ROM_QSTR(MP_QSTR_send), MP_ROM_PTR(&board_send_obj) },
    { MP_ROM_QSTR(MP_QSTR_wait), MP_ROM_PTR(&board_wait_obj) },
    { MP_ROM_QSTR(MP_QSTR_watch), MP_ROM_PTR(&board_watch_obj) },
    { MP_ROM_QSTR(MP_QSTR_alive), MP_ROM_PTR(&board_alive_obj) },
    { MP_ROM_QSTR(MP_QSTR_keep), MP_ROM_PTR(&board_keep_obj) },
    { MP_ROM_QSTR(MP_QSTR_kept), MP_ROM_PTR(&board_kept_obj) },
    { MP_ROM_QSTR(MP_QSTR_bitten), MP_ROM_PTR(&board_bitten_obj) },
};
static MP_DEFINE_CONST_DICT(board_globals, board_globals_table);

const mp_obj_module_t lattice_board_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&board_globals,
};
MP_REGISTER_MODULE(MP_QSTR_lattice_board, lattice_board_module);

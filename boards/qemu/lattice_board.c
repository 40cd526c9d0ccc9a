// lattice_board on QEMU: what boards/rp2350/common/lattice_board.c says, on the machine's first serial port.

#include <string.h>

#include "control.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "uart.h"

#define RING_BYTES (4096) // as USB's buffer on the boards
#define LINK_RX_NUMBER (32)
#define NVIC_ENABLE ((volatile uint32_t *)0xE000E100)

static uint8_t ring[RING_BYTES];
static volatile uint32_t ring_in, ring_out; // counts, the place is what they leave divided by the ring's size
static volatile uint32_t last_byte_ms;

void link_init(void) {
    LINK->BAUDDIV = UART_DIVIDER;
    LINK->CTRL = UART_TX_ON | UART_RX_ON | UART_RX_IRQ;
    NVIC_ENABLE[LINK_RX_NUMBER / 32] = 1 << (LINK_RX_NUMBER % 32);
}

// QEMU brings byte by byte. They count from a packet of USB's on, or when no more have come for a moment: else the
// firmware would go through its whole loop for each.
#define PACKET_BYTES (64)
#define QUIET_MS     (2)

static uint32_t available(void) {
    uint32_t count = ring_in - ring_out;
    return count >= PACKET_BYTES || mp_hal_ticks_ms() - last_byte_ms >= QUIET_MS ? count : 0;
}

// While the ring is full a byte stays in the port, which then takes no more from the computer.
void UART0RX_Handler(void) {
    while ((LINK->STATE & UART_RX_FULL) && ring_in - ring_out < RING_BYTES) {
        ring[ring_in++ % RING_BYTES] = LINK->DATA;
        LINK->INTSTATUS = 2;
        last_byte_ms = mp_hal_ticks_ms();
    }
    if (ring_in - ring_out == RING_BYTES) {
        LINK->CTRL &= ~UART_RX_IRQ;
        LINK->INTSTATUS = 2;
    }
}

static void take_more(void) {
    uint32_t state = qemu_irq_off();
    UART0RX_Handler();
    LINK->CTRL |= UART_RX_IRQ;
    qemu_irq_restore(state);
}

#define KEPT_BYTES 120
#define KEPT_MARK 0x4c61744eu

// At each reset QEMU fills all memory of the program with what it began with: this lies elsewhere.
typedef struct {
    uint32_t mark;
    uint32_t count;
    char words[KEPT_BYTES];
    uint32_t bitten;
} kept_t;

#define kept (*(kept_t *)KEPT_START)

static volatile uint32_t last_alive_ms;
static uint32_t limit_ms;
static bool was_bitten, start_known;

static void note_alive(void) {
    last_alive_ms = mp_hal_ticks_ms();
}

// The watchdog
void board_each_ms(uint32_t ms) {
    if (limit_ms && ms - last_alive_ms >= limit_ms) {
        kept.bitten = KEPT_MARK;
        qemu_reset();
    }
}

static mp_obj_t board_read_into(mp_obj_t buffer) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(buffer, &info, MP_BUFFER_WRITE);
    note_alive();
    uint32_t count = MIN(available(), info.len);
    uint32_t from = ring_out % RING_BYTES;
    uint32_t first = MIN(count, RING_BYTES - from);
    memcpy(info.buf, ring + from, first);
    memcpy((uint8_t *)info.buf + first, ring, count - first);
    ring_out += count;
    take_more();
    return MP_OBJ_NEW_SMALL_INT(count);
}
static MP_DEFINE_CONST_FUN_OBJ_1(board_read_into_obj, board_read_into);

static mp_obj_t board_send(mp_obj_t data) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(data, &info, MP_BUFFER_READ);
    size_t taken = 0;
    while (taken < info.len && !(LINK->STATE & UART_TX_FULL)) {
        LINK->DATA = ((const uint8_t *)info.buf)[taken++];
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
        if (available() || (for_room && !(LINK->STATE & UART_TX_FULL))) {
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
    note_alive();
    limit_ms = mp_obj_get_int(limit);
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
    if (!start_known) {
        start_known = true;
        was_bitten = kept.bitten == KEPT_MARK;
        kept.bitten = 0;
    }
    return mp_obj_new_bool(was_bitten);
}
static MP_DEFINE_CONST_FUN_OBJ_0(board_bitten_obj, board_bitten);

static const mp_rom_map_elem_t board_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_lattice_board) },
    { MP_ROM_QSTR(MP_QSTR_DEBUG), MP_ROM_FALSE },
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

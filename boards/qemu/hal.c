// Time, the console and random numbers.

#include <string.h>

#include "blake3.h"
#include "control.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "uart.h"

#define SYSTICK_CTRL  (*(volatile uint32_t *)0xE000E010)
#define SYSTICK_LOAD  (*(volatile uint32_t *)0xE000E014)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018)
#define TIMER_CTRL    (*(volatile uint32_t *)0x50000000)
#define TIMER_VALUE   (*(volatile uint32_t *)0x50000004)
#define TIMER_RELOAD  (*(volatile uint32_t *)0x50000008)
#define TICKS_A_MS    (20000) // the machine's clocks have 20 MHz

uint64_t qemu_idle_ticks;

// SysTick wakes who sleeps and sees the watchdog; a timer that runs down from 2^32 tells the time: on a busy computer
// interrupts are late, and some are lost.
void hal_init(void) {
    TIMER_RELOAD = 0xffffffff;
    TIMER_VALUE = 0xffffffff;
    TIMER_CTRL = 1;
    SYSTICK_LOAD = TICKS_A_MS - 1;
    SYSTICK_VALUE = 0;
    SYSTICK_CTRL = 7;
    CONSOLE->BAUDDIV = UART_DIVIDER;
    CONSOLE->CTRL = UART_TX_ON;
}

uint64_t qemu_ticks(void) {
    static uint64_t ticks;
    static uint32_t last = 0xffffffff;
    uint32_t state = qemu_irq_off();
    uint32_t value = TIMER_VALUE;
    ticks += last - value;
    last = value;
    uint64_t found = ticks;
    qemu_irq_restore(state);
    return found;
}

static void publish(void) {
    uint64_t busy = qemu_ticks() - qemu_idle_ticks;
    CONTROL->busy_high = busy >> 32;
    CONTROL->busy_low = busy;
}

static void sample(uint32_t address) {
    if (CONTROL->samples < MOST_SAMPLES) {
        ((uint32_t *)SAMPLES_START)[CONTROL->samples++] = address;
    }
}

// `frame`: what the interrupt has put on the stack, the address of what it has interrupted among it.
__attribute__((used)) static void each_ms(const uint32_t *frame) {
    uint32_t ms = mp_hal_ticks_ms();
    publish();
    if (CONTROL->profile) {
        sample(frame[6]);
    }
    board_each_ms(ms);
}

__attribute__((naked)) void SysTick_Handler(void) {
    __asm volatile ("mov r0, sp\n b each_ms\n");
}

void qemu_sleep(void) {
    uint64_t before = qemu_ticks();
    __asm volatile ("wfi");
    qemu_idle_ticks += qemu_ticks() - before;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return qemu_ticks() / TICKS_A_MS;
}

mp_uint_t mp_hal_ticks_us(void) {
    return qemu_ticks() / (TICKS_A_MS / 1000);
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return qemu_ticks();
}

uint64_t mp_hal_time_ns(void) {
    return 0;
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint32_t start = mp_hal_ticks_ms();
    while (mp_hal_ticks_ms() - start < ms) {
        mp_event_wait_ms(1);
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = qemu_ticks() + us * (TICKS_A_MS / 1000);
    while (qemu_ticks() < end) {
    }
}

// Prints go to the second serial port. The first is the link's; nothing is ever typed.
void console_write(const char *text, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        while (CONSOLE->STATE & UART_TX_FULL) {
        }
        CONSOLE->DATA = text[i];
    }
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t length) {
    console_write(text, length);
    return length;
}

int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        qemu_sleep();
    }
}

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    return 0;
}

// No noise here: of the computer's seed, of how often the machine was started, and of what was asked before.
void native_random(uint8_t *buf, size_t size) {
    static uint64_t asked;
    while (size) {
        uint8_t seed[sizeof(CONTROL->seed)];
        uint8_t out[BLAKE3_OUT_LEN];
        uint32_t starts = CONTROL->starts;
        for (size_t i = 0; i < sizeof(seed); i++) {
            seed[i] = CONTROL->seed[i];
        }
        asked++;
        blake3_hasher hasher;
        blake3_hasher_init(&hasher);
        blake3_hasher_update(&hasher, seed, sizeof(seed));
        blake3_hasher_update(&hasher, &starts, sizeof(starts));
        blake3_hasher_update(&hasher, &asked, sizeof(asked));
        blake3_hasher_finalize(&hasher, out, sizeof(out));
        size_t count = MIN(size, sizeof(out));
        memcpy(buf, out, count);
        buf += count;
        size -= count;
    }
}

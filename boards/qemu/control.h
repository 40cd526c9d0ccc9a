// What lies in the 16 MiB of the machine that are a file of the computer (tools/run_qemu.py has the same figures): the flash
// chip from the file's beginning, then a disk with tests, and in the last page what the computer and the machine tell
// each other. It outlives a reset and the machine itself, as a chip does.
#pragma once

#include <stdint.h>

#define SHARED_START   (0x80000000)
#define DISK_START     (SHARED_START + 8 * 1024 * 1024)
#define SAMPLES_START  (SHARED_START + 15 * 1024 * 1024)
#define MOST_SAMPLES   (128 * 1024)
#define CONTROL_START  (SHARED_START + 16 * 1024 * 1024 - 4096)
#define KEPT_START     (CONTROL_START + 2048) // outlives a reset, not the next start of the machine
#define CONTROL_MARK   (0x314c5451) // "QTL1"

typedef struct {
    // from the computer
    uint32_t mark;
    uint32_t chip_start; // where in the chip the data begin
    uint32_t chip_bytes; // the whole chip
    uint32_t cut_at;     // power is cut in the middle of this operation of the flash, 0: never
    uint32_t button_ms;  // so long it is down from the start on
    uint32_t heap_bytes; // 0: the boards'
    uint32_t disk_bytes;
    uint32_t profile;    // 1: each ms the address of what runs is noted at SAMPLES_START
    uint32_t ask_heap;   // 1: heap_free is kept up
    uint8_t seed[32];    // of the random numbers
    char words[1024];    // for the tests: what to run, each ended by a 0
    // from the machine
    uint32_t starts;     // resets since the file was made
    uint32_t erases;
    uint32_t programs;
    uint32_t led;
    uint32_t busy_high, busy_low; // instructions / 50, sleep left out
    uint32_t status;     // exit status
    uint32_t samples;    // how many addresses were noted
    uint32_t heap_free;  // bytes, after the last collection
} control_t;

#define CONTROL ((volatile control_t *)CONTROL_START)

// The machine ends, as if power was cut.
void qemu_exit(uint32_t status) __attribute__((noreturn));

// A reset of the machine.
void qemu_reset(void) __attribute__((noreturn));

// SysTick's ticks (50 instructions each with -icount shift=0) since the last reset.
uint64_t qemu_ticks(void);

// Those of them in which nothing ran.
extern uint64_t qemu_idle_ticks;

// Sleeps until an interrupt: at most 1 ms.
void qemu_sleep(void);

// Called when an ms is over, in an interrupt.
void board_each_ms(uint32_t ms);

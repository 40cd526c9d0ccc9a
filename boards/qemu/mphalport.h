#pragma once

#include <stdint.h>

#include "shared/runtime/interrupt_char.h"

void qemu_sleep(void);

#define MICROPY_INTERNAL_WFE(timeout_ms) qemu_sleep()
#define MICROPY_BEGIN_ATOMIC_SECTION()     qemu_irq_off()
#define MICROPY_END_ATOMIC_SECTION(state)  qemu_irq_restore(state)

static inline uint32_t qemu_irq_off(void) {
    uint32_t state;
    __asm volatile ("mrs %0, primask\n cpsid i" : "=r" (state) : : "memory");
    return state;
}

static inline void qemu_irq_restore(uint32_t state) {
    __asm volatile ("msr primask, %0" : : "r" (state) : "memory");
}

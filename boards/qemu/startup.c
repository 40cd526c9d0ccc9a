// From reset to main, faults, and the ways to end the machine.

#include <stdint.h>

#include "control.h"

extern uint32_t _bss_start, _bss_end, _stack_top, _stack_bottom;

int main(void);
void console_write(const char *text, uint32_t length);
void SysTick_Handler(void);
void UART0RX_Handler(void);

#define SCB_AIRCR  (*(volatile uint32_t *)0xE000ED0C)
#define SCB_SHCSR  (*(volatile uint32_t *)0xE000ED24)
#define SCB_CFSR   (*(volatile uint32_t *)0xE000ED28)
#define SCB_CPACR  (*(volatile uint32_t *)0xE000ED88)
#define FAULT_STATUS (70)
#define SEMIHOSTING_EXIT (0x20)
#define SEMIHOSTING_APPLICATION_EXIT (0x20026)

void qemu_exit(uint32_t status) {
    CONTROL->status = status;
    uint32_t block[2] = { SEMIHOSTING_APPLICATION_EXIT, status };
    register uint32_t r0 __asm("r0") = SEMIHOSTING_EXIT;
    register uint32_t *r1 __asm("r1") = block;
    __asm volatile ("bkpt 0xab" : "+r" (r0) : "r" (r1) : "memory");
    for (;;) {
    }
}

void qemu_reset(void) {
    __asm volatile ("dsb" : : : "memory");
    SCB_AIRCR = 0x05FA0004;
    for (;;) {
        __asm volatile ("wfi");
    }
}

static void put_hex(const char *name, uint32_t value) {
    char text[12] = "xxxxxxxx\r\n";
    for (int i = 7; i >= 0; i--, value >>= 4) {
        text[i] = "0123456789abcdef"[value & 15];
    }
    const char *end = name;
    while (*end) {
        end++;
    }
    console_write(name, end - name);
    console_write(text, 10);
}

__attribute__((used)) static void fault(uint32_t *frame) {
    put_hex("fault, status ", SCB_CFSR);
    if (frame >= &_stack_bottom && frame < &_stack_top) {
        put_hex("pc ", frame[6]);
        put_hex("lr ", frame[5]);
    } else {
        put_hex("stack ", (uint32_t)frame);
    }
    qemu_exit(FAULT_STATUS);
}

__attribute__((naked)) static void Fault_Handler(void) {
    __asm volatile (
        "mov r0, sp\n"
        "mov r1, #0\n"
        "msr msplim, r1\n"
        "cpsid i\n"
        "ldr r1, =_stack_top\n"
        "mov sp, r1\n" // whatever stands there, nothing goes on
        "sub sp, #64\n"
        "b fault\n");
}

__attribute__((used)) static void start(void) {
    SCB_CPACR |= 0xF << 20; // floating point
    SCB_SHCSR |= 7 << 16;   // each fault its own handler
    for (uint32_t *word = &_bss_start; word < &_bss_end; word++) {
        *word = 0;
    }
    main();
    qemu_reset();
}

// The stack may not grow out of its 12 KiB, interrupts included: that is a fault.
__attribute__((naked)) static void Reset_Handler(void) {
    __asm volatile (
        "ldr r0, =_stack_bottom\n"
        "msr msplim, r0\n"
        "b start\n");
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16 + 33] = {
    [0] = &_stack_top,
    [1] = Reset_Handler,
    [2 ... 14] = Fault_Handler,
    [15] = SysTick_Handler,
    [16 ... 16 + 31] = Fault_Handler,
    [16 + 32] = UART0RX_Handler,
};

// The machine's serial ports.
#pragma once

#include <stdint.h>

typedef struct {
    volatile uint32_t DATA;
    volatile uint32_t STATE;
    volatile uint32_t CTRL;
    volatile uint32_t INTSTATUS;
    volatile uint32_t BAUDDIV;
} uart_t;

#define LINK     ((uart_t *)0x50200000)
#define CONSOLE  ((uart_t *)0x50201000)

#define UART_TX_FULL (1 << 0) // of STATE
#define UART_RX_FULL (1 << 1)
#define UART_TX_ON   (1 << 0) // of CTRL
#define UART_RX_ON   (1 << 1)
#define UART_RX_IRQ  (1 << 3)
#define UART_DIVIDER (16)

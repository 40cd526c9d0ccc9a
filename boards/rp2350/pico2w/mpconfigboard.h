// Pico 2 W: 4 MiB of flash (PICO_FLASH_SIZE_BYTES of the Pico SDK), a radio, the LED on the radio's chip.
#define MICROPY_HW_BOARD_NAME                   "Lattice Nano (Pico 2 W)"

#define CYW43_USE_SPI                           (1)
#define CYW43_LWIP                              (1)
#define CYW43_GPIO                              (1)
#define CYW43_SPI_PIO                           (1)
#define MICROPY_HW_PIN_EXT_COUNT                CYW43_WL_GPIO_COUNT
int mp_hal_is_pin_reserved(int n);
#define MICROPY_HW_PIN_RESERVED(i)              mp_hal_is_pin_reserved(i)

#define LATTICE_FIRMWARE_BYTES                  (1536 * 1024) // as firmware/ports/nor.py

#include "mpconfigcommon.h"

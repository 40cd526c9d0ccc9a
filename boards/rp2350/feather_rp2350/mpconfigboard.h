// Feather RP2350: 8 MiB of flash (PICO_FLASH_SIZE_BYTES of the Pico SDK).
#define MICROPY_HW_BOARD_NAME                   "Lattice Nano (Feather RP2350)"

#include "mpconfigcommon.h"

// Pro Micro RP2350: 16 MiB of flash (PICO_FLASH_SIZE_BYTES of the Pico SDK).
#define MICROPY_HW_BOARD_NAME                   "Lattice Nano (Pro Micro RP2350)"

#include "mpconfigcommon.h"

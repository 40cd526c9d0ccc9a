// Pico Plus 2: 16 MiB of flash (PICO_FLASH_SIZE_BYTES of the Pico SDK).
#define MICROPY_HW_BOARD_NAME                   "Lattice Nano (Pico Plus 2)"

#include "mpconfigcommon.h"

// Pico 2: 4 MiB of flash (PICO_FLASH_SIZE_BYTES of the Pico SDK).
#define MICROPY_HW_BOARD_NAME                   "Lattice Nano (Pico 2)"

#define LATTICE_FIRMWARE_BYTES                  (1536 * 1024) // as firmware/ports/nor.py

#include "mpconfigcommon.h"

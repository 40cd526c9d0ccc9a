// The stick's interpreter on a desktop: what the RP2350 board has, so that a figure or a verdict from here holds there.

// The rp2 port's feature level and float type.
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#define MICROPY_FLOAT_IMPL       (MICROPY_FLOAT_IMPL_FLOAT)

// The device has about 12 KiB of stack. main() asks for 40,000 bytes (80,000 where pointers have 64 bits),
// of which the margin is not for Python.
#define LATTICE_STACK_BYTES        (12288 * (sizeof(void *) / 4))
#define MICROPY_STACK_CHECK_MARGIN (40000 * (sizeof(void *) / 4) - LATTICE_STACK_BYTES)

// As on the board: halves a collection of a heap full of buffers.
#define MICROPY_ALLOC_GC_STACK_SIZE (2048)

// State of calls on a stack of its own (4 KiB, outside the heap): else every function with more than 11 slots takes it
// from the heap. A larger cache of look-ups (512 bytes). Both are memory of the board, too: docs/decisions.md, "Link".
#define MICROPY_ENABLE_PYSTACK (1)
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE (512)

#include "variants/mpconfigvariant_common.h"

// Nothing here may need them.
#undef MICROPY_PY_WEBSOCKET
#define MICROPY_PY_WEBSOCKET (0)

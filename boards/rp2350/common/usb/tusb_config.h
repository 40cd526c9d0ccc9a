// TinyUSB's settings of MicroPython, in debug builds with a second CDC interface.
#pragma once
#include_next "tusb_config.h"

#if LATTICE_DEBUG
#undef CFG_TUD_CDC
#define CFG_TUD_CDC (2)
#endif

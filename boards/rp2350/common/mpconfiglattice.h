// The port's settings that it does not let a board decide.
#include "mpconfigport.h"

#undef MICROPY_PY_HASHLIB_SHA1
#undef MICROPY_PY_CRYPTOLIB
#undef MICROPY_VFS_FAT
#define MICROPY_PY_HASHLIB_SHA1                 (0)
#define MICROPY_PY_CRYPTOLIB                    (0)
#define MICROPY_VFS_FAT                         (0)
#if !MICROPY_PY_BLUETOOTH
#undef MICROPY_SSL_MBEDTLS
#define MICROPY_SSL_MBEDTLS                     (0)
#endif

// What the stick does not run. Of the compiler only what the port's REPL must have is left.
#undef MICROPY_EMIT_THUMB
#undef MICROPY_EMIT_INLINE_THUMB
#undef MICROPY_PY_ONEWIRE
#undef MICROPY_PY_MACHINE_DHT_READINTO
#undef MICROPY_PY_MACHINE_ADC
#undef MICROPY_PY_MACHINE_PULSE
#define MICROPY_EMIT_THUMB                      (0)
#define MICROPY_EMIT_INLINE_THUMB               (0)
#define MICROPY_PY_ONEWIRE                      (0)
#define MICROPY_PY_MACHINE_DHT_READINTO         (0)
#define MICROPY_PY_MACHINE_ADC                  (0)
#define MICROPY_PY_MACHINE_PULSE                (0)
#define MICROPY_PY_FRAMEBUF                     (0)
#define MICROPY_PY_RE                           (0)
#define MICROPY_PY_JSON                         (0)
#define MICROPY_PY_HEAPQ                        (0)
#define MICROPY_PY_ASYNCIO                      (0)
#define MICROPY_PY_UCTYPES                      (0)
#define MICROPY_PY_RANDOM                       (0)
#define MICROPY_PY_SELECT                       (0)
#define MICROPY_PY_MICROPYTHON_MEM_INFO         (0)
#define MICROPY_PY_BUILTINS_INPUT               (0)
#define MICROPY_PY_CMATH                        (0)
#define MICROPY_PY_BUILTINS_COMPLEX             (0)
#define MICROPY_PY_MATH_SPECIAL_FUNCTIONS       (0)
#define MICROPY_PY_HASHLIB                      (0)
#define MICROPY_PY_PLATFORM                     (0)
#define MICROPY_REPL_EMACS_KEYS                 (0)
#define MICROPY_REPL_AUTO_INDENT                (0)
#define MICROPY_PY_BUILTINS_HELP                (0)

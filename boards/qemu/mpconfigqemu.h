// The product's settings (boards/rp2350/common), and in the interpreter of the tests what these need beyond.
#include "mpconfiglattice.h"

#undef MICROPY_PY_PLATFORM
#define MICROPY_PY_PLATFORM                     (0)
#if LATTICE_TESTS
#undef MICROPY_PY_JSON
#define MICROPY_PY_JSON                         (1)
#define MICROPY_VFS_ROM                         (1)
#define MICROPY_VFS_ROM_IOCTL                   (0)
#define MICROPY_PY_OS_INCLUDEFILE               "environment.h"
#define MICROPY_PY_OS_GETENV_PUTENV_UNSETENV     (1)
#endif

// The unix port's configuration with the rp2 port's path length. An import keeps two such paths on the stack: with
// the unix port's 4,096 bytes a nested import does not fit into the device's stack.
#include "mpconfigport.h"
#undef MICROPY_ALLOC_PATH_MAX
#define MICROPY_ALLOC_PATH_MAX (128)

// sys.executable has a buffer of that size, which realpath() would overrun.
#undef MICROPY_PY_SYS_EXECUTABLE
#define MICROPY_PY_SYS_EXECUTABLE (0)

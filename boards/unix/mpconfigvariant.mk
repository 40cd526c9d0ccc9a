# No network of any kind, no TLS, no foreign functions: the stick has none.
MICROPY_PY_SOCKET = 0
MICROPY_PY_SSL = 0
MICROPY_SSL_MBEDTLS = 0
MICROPY_PY_FFI = 0
MICROPY_PY_BTREE = 0
MICROPY_PY_THREAD = 0
MICROPY_VFS_LFS1 = 0
MICROPY_VFS_LFS2 = 1

CFLAGS += -DMP_CONFIGFILE='"mpconfigpaths.h"'

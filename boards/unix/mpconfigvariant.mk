# No network of any kind, no TLS, no foreign functions: the stick has none.
MICROPY_PY_SOCKET = 0
MICROPY_PY_SSL = 0
MICROPY_SSL_MBEDTLS = 0
MICROPY_PY_FFI = 0
MICROPY_PY_BTREE = 0
MICROPY_PY_THREAD = 0
MICROPY_VFS_LFS1 = 0
MICROPY_VFS_LFS2 = 1

# As on the board the program lies at one address: without this a twelfth of all instructions finds out where it is.
CFLAGS += -fno-pie
LDFLAGS += -no-pie

CFLAGS += -DMP_CONFIGFILE='"mpconfigpaths.h"'

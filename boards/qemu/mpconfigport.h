// As MicroPython's rp2 port has it, of what the stick uses: ports/rp2/mpconfigport.h.
#include <alloca.h>
#include <stdint.h>

#define MICROPY_HW_BOARD_NAME                   "Lattice Nano (QEMU)"
#define MICROPY_HW_MCU_NAME                     "mps2-an505"

#define MICROPY_CONFIG_ROM_LEVEL                (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)
#if LATTICE_TESTS
#define MICROPY_GC_STACK_ENTRY_TYPE             uint32_t // tests may have a larger heap
#else
#define MICROPY_GC_STACK_ENTRY_TYPE             uint16_t
#endif
#define MICROPY_ALLOC_PATH_MAX                  (128)
#define MICROPY_QSTR_BYTES_IN_HASH              (1)
#define MICROPY_PERSISTENT_CODE_LOAD            (1)
#define MICROPY_OPT_COMPUTED_GOTO               (1)
#define MICROPY_READER_VFS                      (1)
#define MICROPY_ENABLE_GC                       (1)
#define MICROPY_STACK_CHECK_MARGIN              (256)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF  (1)
#define MICROPY_LONGINT_IMPL                    (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL                      (MICROPY_FLOAT_IMPL_FLOAT)
#define MICROPY_SCHEDULER_DEPTH                 (8)
#define MICROPY_USE_INTERNAL_ERRNO              (1)
#define MICROPY_EPOCH_IS_1970                   (1)

#define MICROPY_PY_SYS_PLATFORM                 "qemu"
#define MICROPY_PY_SYS_STDFILES                 (0)
#define MICROPY_PY_TIME                         (1)
#define MICROPY_PY_MACHINE                      (0) // machine.c has what the stick uses of it
#define MICROPY_PY_OS                           (1)
#define MICROPY_PY_OS_SYNC                      (1)
#define MICROPY_VFS                             (1)

// As boards/rp2350/common/mpconfigcommon.h
#define MICROPY_ALLOC_GC_STACK_SIZE             (2048)
#define MICROPY_ENABLE_PYSTACK                  (1)
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE       (512)

typedef intptr_t mp_int_t;
typedef uintptr_t mp_uint_t;
typedef intptr_t mp_off_t;
#define MP_SSIZE_MAX (0x7fffffff)
#define MICROPY_MAKE_POINTER_CALLABLE(p) ((void *)((mp_uint_t)(p) | 1))
#define MP_STATE_PORT MP_STATE_VM

// What all boards have in common. A board's mpconfigboard.h names the board and includes this.

// What of the chip belongs to the firmware; the rest is data.
#ifndef LATTICE_FIRMWARE_BYTES
#define LATTICE_FIRMWARE_BYTES                  (1024 * 1024)
#endif
#define MICROPY_HW_FLASH_STORAGE_BYTES          (PICO_FLASH_SIZE_BYTES - LATTICE_FIRMWARE_BYTES)

#define MICROPY_HW_USB_MANUFACTURER_STRING      "Lattice"
#define MICROPY_HW_USB_PRODUCT_FS_STRING        "Lattice Nano " LATTICE_VERSION
#define MICROPY_HW_USB_CDC_INTERFACE_STRING     "Lattice link"

// As boards/unix: collections, calls and look-ups. docs/decisions.md, "Link".
#define MICROPY_ALLOC_GC_STACK_SIZE             (2048)
#define MICROPY_ENABLE_PYSTACK                  (1)
#define MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE       (512)

// main() of the port makes no stack of calls; this hook runs before its mp_init().
void lattice_board_early_init(void);
#define MICROPY_BOARD_EARLY_INIT                lattice_board_early_init

#define MICROPY_PY_THREAD                       (0)
#define MICROPY_PY_OS_DUPTERM                   (0)

// lattice_board.c has the functions of MicroPython's own CDC: nothing stands between TinyUSB's buffers and the link.
#define MICROPY_HW_ENABLE_USB_RUNTIME_DEVICE    (0)
#define MICROPY_EXCLUDE_SHARED_TINYUSB_USBD_CDC (1)
#if LATTICE_DEBUG
#define LATTICE_LINK_CDC                        (1) // CDC 0 is the REPL's
#define MICROPY_HW_USB_CDC_1200BPS_TOUCH        (1)
#else
#define LATTICE_LINK_CDC                        (0)
#define MICROPY_HW_USB_CDC_1200BPS_TOUCH        (0)
#endif

// A window of the link (8 frames) fits, so that the host is not held up while the flash is erased.
#define CFG_TUD_CDC_RX_BUFSIZE                  (4096)
#define CFG_TUD_CDC_TX_BUFSIZE                  (4096)

# Its radio needs cyw43-driver, btstack, lwip and mbedtls, which Debian does not carry: MICROPY_DIR= must name a MicroPython
# 1.25 checkout with its submodules.
set(PICO_BOARD "pico2_w")
set(MICROPY_PY_NETWORK_CYW43 ON)
set(MICROPY_PY_LWIP ON)
set(MICROPY_PY_BLUETOOTH ON)
set(MICROPY_BLUETOOTH_BTSTACK ON)
set(MICROPY_PY_BLUETOOTH_CYW43 ON)
include(${CMAKE_CURRENT_LIST_DIR}/../common/board.cmake)

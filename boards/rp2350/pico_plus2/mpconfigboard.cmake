set(PICO_BOARD "pimoroni_pico_plus2_rp2350")
include(${CMAKE_CURRENT_LIST_DIR}/../common/board.cmake)

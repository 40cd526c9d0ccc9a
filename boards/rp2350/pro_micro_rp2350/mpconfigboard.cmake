set(PICO_BOARD "sparkfun_promicro_rp2350")
include(${CMAKE_CURRENT_LIST_DIR}/../common/board.cmake)

set(PICO_BOARD "adafruit_feather_rp2350")
include(${CMAKE_CURRENT_LIST_DIR}/../common/board.cmake)

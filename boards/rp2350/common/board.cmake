# Lattice Nano on boards with an RP2350 (Arm), for MicroPython's rp2 port. A board's mpconfigboard.cmake names its board
# of the Pico SDK and includes this. No file of MicroPython is changed: what the port cannot leave out by a setting is
# taken out of its targets once they are complete.
#
# tools/build_firmware.py hands in: LATTICE_VERSION, LATTICE_TINYUSB_DIR, LATTICE_DEBUG (1: a second CDC interface with
# a REPL, asserts and line numbers in the frozen modules).
set(PICO_PLATFORM "rp2350")
set(PICO_TINYUSB_PATH ${LATTICE_TINYUSB_DIR})
set(LATTICE_COMMON_DIR ${CMAKE_CURRENT_LIST_DIR})

if(LATTICE_DEBUG)
    set(MICROPY_FROZEN_MANIFEST ${LATTICE_COMMON_DIR}/manifest_debug.py)
else()
    set(MICROPY_FROZEN_MANIFEST ${LATTICE_COMMON_DIR}/manifest.py)
endif()

string(REPLACE "." ";" LATTICE_VERSION_PARTS ${LATTICE_VERSION})
list(GET LATTICE_VERSION_PARTS 0 LATTICE_VERSION_MAJOR)
list(GET LATTICE_VERSION_PARTS 1 LATTICE_VERSION_MINOR)
list(GET LATTICE_VERSION_PARTS 2 LATTICE_VERSION_MICRO)

list(APPEND MICROPY_SOURCE_BOARD ${LATTICE_COMMON_DIR}/lattice_board.c)
list(APPEND MICROPY_DEF_BOARD
    MP_CONFIGFILE=\"mpconfiglattice.h\"
    LATTICE_VERSION=\"${LATTICE_VERSION}\"
    LATTICE_VERSION_BCD=0x${LATTICE_VERSION_MAJOR}${LATTICE_VERSION_MINOR}${LATTICE_VERSION_MICRO}
)
if(LATTICE_DEBUG)
    list(APPEND MICROPY_DEF_BOARD LATTICE_DEBUG=1)
endif()
include_directories(${LATTICE_COMMON_DIR})

function(lattice_take_out sources_pattern)
    get_target_property(sources ${MICROPY_TARGET} SOURCES)
    list(FILTER sources EXCLUDE REGEX ${sources_pattern})
    set_target_properties(${MICROPY_TARGET} PROPERTIES SOURCES "${sources}")
endfunction()

# What runs from RAM: the interpreter's loop, the collector, look-ups in tables and memcpy. The port's linker script
# means to do so, but names object files as older SDKs did (.c.obj): with SDK 2.1 nothing matches.
function(lattice_link_into_ram)
    file(READ ${MICROPY_PORT_DIR}/memmap_mp_rp2350.ld script)
    string(REPLACE "*gc.c.obj *vm.c.obj *parse.c.obj" "*/py/gc.c.o */py/vm.c.o */py/map.c.o" script "${script}")
    string(REPLACE "*libc.a:*lib_a-mem*.o" "*lib_a-mem*.o" script "${script}")
    string(REPLACE "LENGTH = 4096k" "LENGTH = 1024k" script "${script}") # what follows is data
    file(WRITE ${CMAKE_BINARY_DIR}/memmap.ld "${script}")
    pico_set_linker_script(${MICROPY_TARGET} ${CMAKE_BINARY_DIR}/memmap.ld)
endfunction()

function(lattice_finish)
    if(NOT MICROPY_PY_BLUETOOTH) # the port links mbedTLS in whatever the settings say; BLE has a use for it
        set_target_properties(micropy_lib_mbedtls PROPERTIES INTERFACE_SOURCES "")
        lattice_take_out("mbedtls_port")
    endif()
    lattice_take_out("mp_usbd_descriptor")
    target_sources(${MICROPY_TARGET} PRIVATE ${LATTICE_COMMON_DIR}/usb/descriptors.c)
    target_include_directories(${MICROPY_TARGET} BEFORE PRIVATE ${LATTICE_COMMON_DIR}/usb)
    target_link_libraries(${MICROPY_TARGET} pico_rand)
    lattice_link_into_ram()
endfunction()
cmake_language(DEFER CALL lattice_finish)

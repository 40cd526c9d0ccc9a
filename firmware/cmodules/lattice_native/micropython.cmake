# For cmake (rp2). LATTICE_SODIUM_DIR: libsodium's src/libsodium; LATTICE_BLAKE3_DIR: BLAKE3's c.
set(LATTICE_NATIVE_DIR ${CMAKE_CURRENT_LIST_DIR})
add_library(usermod_lattice_native INTERFACE)

file(GLOB LATTICE_VENDOR_SOURCES ${LATTICE_NATIVE_DIR}/vendor/*.c)
target_sources(usermod_lattice_native INTERFACE
    ${LATTICE_NATIVE_DIR}/module.c
    ${LATTICE_NATIVE_DIR}/hash.c
    ${LATTICE_NATIVE_DIR}/ed25519.c
    ${LATTICE_NATIVE_DIR}/x25519.c
    ${LATTICE_NATIVE_DIR}/aead.c
    ${LATTICE_NATIVE_DIR}/frame.c
    ${LATTICE_NATIVE_DIR}/index.c
    ${LATTICE_NATIVE_DIR}/random.c
    ${LATTICE_VENDOR_SOURCES}
)

# After all others, so that no header of MicroPython is hidden by one of the same name.
target_compile_options(usermod_lattice_native INTERFACE
    "SHELL:-idirafter ${LATTICE_SODIUM_DIR}"
    "SHELL:-idirafter ${LATTICE_SODIUM_DIR}/include/sodium"
    "SHELL:-idirafter ${LATTICE_BLAKE3_DIR}"
)
target_link_libraries(usermod INTERFACE usermod_lattice_native)

# The pass that gathers names knows nothing of the options above.
list(APPEND MICROPY_CPP_INC_EXTRA ${LATTICE_SODIUM_DIR} ${LATTICE_SODIUM_DIR}/include/sodium ${LATTICE_BLAKE3_DIR})

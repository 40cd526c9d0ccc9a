# For make (unix port, QEMU). LATTICE_SODIUM_DIR: libsodium's src/libsodium; LATTICE_BLAKE3_DIR: BLAKE3's c.
LATTICE_NATIVE_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(addprefix $(LATTICE_NATIVE_DIR)/, \
	module.c hash.c ed25519.c x25519.c aead.c frame.c index.c random.c)

SRC_USERMOD_LIB_C += $(wildcard $(LATTICE_NATIVE_DIR)/vendor/*.c)

# After all others, so that no header of MicroPython is hidden by one of the same name.
CFLAGS_USERMOD += $(addprefix -idirafter ,$(LATTICE_SODIUM_DIR) $(LATTICE_SODIUM_DIR)/include/sodium $(LATTICE_BLAKE3_DIR))

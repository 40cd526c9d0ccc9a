// What libsodium's own build would have configured. Included first by every file here that takes in its sources.
// The ref10 code with 32-bit limbs is used on every platform: one text, one behaviour.
#pragma once

#define CONFIGURED 1
#define NATIVE_LITTLE_ENDIAN 1

// Not our code: its style is its own.
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"

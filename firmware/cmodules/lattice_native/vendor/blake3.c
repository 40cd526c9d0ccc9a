// The official BLAKE3, portable code only: the same on every platform.
#pragma GCC diagnostic ignored "-Wunused-function"

#define BLAKE3_NO_SSE2 1
#define BLAKE3_NO_SSE41 1
#define BLAKE3_NO_AVX2 1
#define BLAKE3_NO_AVX512 1
#define BLAKE3_USE_NEON 0

// By the include path, not this file.
#include <blake3.c>
#include <blake3_dispatch.c>
#include <blake3_portable.c>

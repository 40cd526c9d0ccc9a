// Frames of the serial link (lattice_core/link/packet.py): COBS, CRC-32 and AEAD in one call, in place.
// The Python twin is lattice_core/link/serial_frames.py; tests/core/test_frames.py holds both to the same frames.

#include "native.h"

#include <string.h>

#define HEADER_BYTES   (6)
#define CHECK_BYTES    (4)
#define OVERHEAD_BYTES (HEADER_BYTES + CHECK_BYTES)
#define WHOLE          (0x07) // DATA, START and END
#define COBS_FULL      (254)  // most bytes in one block

// Results, as in packet.py.
enum { NOTHING, DAMAGED, PACKET, OPENED, FORGED };

static uint32_t get_u16(const uint8_t *at) {
    return at[0] | at[1] << 8;
}

static uint32_t get_u32(const uint8_t *at) {
    return get_u16(at) | get_u16(at + 2) << 16;
}

// -- CRC-32 (IEEE 802.3, reflected), as binascii.crc32 ------------------------------------------------------------

// What a byte does to the remainder: 1 KiB, in RAM on the stick because reads of flash wait there. A table of 16 in
// flash would do, at half the speed.
static uint32_t crc_table[256];

static void make_crc_table(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++) {
            value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
        }
        crc_table[byte] = value;
    }
}

static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t size) {
    if (crc_table[255] == 0) {
        make_crc_table();
    }
    crc = ~crc;
    for (; size >= 4; size -= 4, data += 4) {  // one load of data for four steps
        crc ^= get_u32(data);
        crc = crc >> 8 ^ crc_table[crc & 0xff];
        crc = crc >> 8 ^ crc_table[crc & 0xff];
        crc = crc >> 8 ^ crc_table[crc & 0xff];
        crc = crc >> 8 ^ crc_table[crc & 0xff];
    }
    for (; size > 0; size--, data++) {
        crc = crc >> 8 ^ crc_table[(crc ^ *data) & 0xff];
    }
    return ~crc;
}

// -- COBS ---------------------------------------------------------------------------------------------------------

// Decodes in place; returns the length of the content, or -1 when a block reaches beyond the frame.
static mp_int_t cobs_decode(uint8_t *frame, size_t size) {
    const uint8_t *source = frame;
    const uint8_t *end = frame + size;
    uint8_t *target = frame;
    while (source < end) {
        size_t code = *source;
        if (code > (size_t)(end - source)) {
            return -1;
        }
        memmove(target, source + 1, code - 1);
        target += code - 1;
        source += code;
        if (code != COBS_FULL + 1 && source < end) {
            *target++ = 0;
        }
    }
    return target - frame;
}

// Writes the frame of `size` bytes and its delimiter; returns the length, or 0 when `room` is too small.
static size_t cobs_encode(const uint8_t *source, size_t size, uint8_t *target, size_t room) {
    if (room < size + size / COBS_FULL + 2) {
        return 0;
    }
    const uint8_t *end = source + size;
    uint8_t *at = target;
    while (true) {
        const uint8_t *zero = memchr(source, 0, end - source);
        const uint8_t *stop = zero != NULL ? zero : end;
        while (stop - source >= COBS_FULL) {
            *at = COBS_FULL + 1;
            memcpy(at + 1, source, COBS_FULL);
            at += COBS_FULL + 1;
            source += COBS_FULL;
            if (source == end) {
                *at = 0;
                return at + 1 - target;
            }
        }
        *at = stop - source + 1;
        memcpy(at + 1, source, stop - source);
        at += stop - source + 1;
        if (zero == NULL) {
            *at = 0;
            return at + 1 - target;
        }
        source = zero + 1;
    }
}

// -- frames -------------------------------------------------------------------------------------------------------

static void put_u16(uint8_t *at, uint32_t value) {
    at[0] = value;
    at[1] = value >> 8;
}

static void put_u32(uint8_t *at, uint32_t value) {
    put_u16(at, value);
    put_u16(at + 2, value >> 16);
}

// A non-negative int of at most 32 bits.
static uint32_t small_u32(mp_obj_t object) {
    uint64_t value = native_u64(object);
    if (value > UINT32_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("not a u32"));
    }
    return value;
}

// (next, status, flags, sack, seq, ack, offset, length)
static mp_obj_t result(size_t next, int status, const uint8_t *header, size_t offset, size_t length) {
    static const uint8_t none[HEADER_BYTES];
    if (header == NULL) {
        header = none;
    }
    mp_obj_t items[8] = {
        MP_OBJ_NEW_SMALL_INT(next),
        MP_OBJ_NEW_SMALL_INT(status),
        MP_OBJ_NEW_SMALL_INT(header[0]),
        MP_OBJ_NEW_SMALL_INT(header[1]),
        MP_OBJ_NEW_SMALL_INT(get_u16(header + 2)),
        MP_OBJ_NEW_SMALL_INT(get_u16(header + 4)),
        MP_OBJ_NEW_SMALL_INT(offset),
        MP_OBJ_NEW_SMALL_INT(length),
    };
    return mp_obj_new_tuple(8, items);
}

// frame_open(buf, start, end, check, expected, key, nonce)
static mp_obj_t native_frame_open(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_buffer_info_t info;
    mp_get_buffer_raise(args[0], &info, MP_BUFFER_WRITE);
    size_t start = small_u32(args[1]);
    size_t end = small_u32(args[2]);
    if (start > end || end > info.len) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    const uint8_t *buf = info.buf;
    while (start < end && buf[start] == 0) {
        start++;
    }
    uint8_t *frame = (uint8_t *)info.buf + start;
    uint8_t *zero = memchr(frame, 0, end - start);
    if (zero == NULL) {
        return result(start, NOTHING, NULL, start, 0);
    }
    size_t next = start + (zero - frame) + 1;
    mp_int_t content = cobs_decode(frame, zero - frame);
    size_t length = content < 0 ? 0 : content;
    if (args[3] == mp_const_none || length < OVERHEAD_BYTES
        || crc32(small_u32(args[3]), frame, length - CHECK_BYTES) != get_u32(frame + length - CHECK_BYTES)) {
        return result(next, DAMAGED, NULL, start, length);
    }
    length -= OVERHEAD_BYTES;
    int status = PACKET;
    if (args[5] != mp_const_none && (frame[0] & WHOLE) == WHOLE && get_u16(frame + 2) == small_u32(args[4])) {
        const uint8_t *key = native_exact(args[5], NATIVE_KEY_BYTES);
        status = native_open(key, native_u64(args[6]), NULL, 0, frame + HEADER_BYTES, length) ? OPENED : FORGED;
        length = status == OPENED ? length - NATIVE_TAG_BYTES : 0;
    }
    return result(next, status, frame, start + HEADER_BYTES, length);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(native_frame_open_obj, 7, 7, native_frame_open);

// frame_seal(out, slot, length, flags, sack, seq, ack, check, key, nonce)
static mp_obj_t native_frame_seal(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_buffer_info_t out;
    mp_buffer_info_t slot;
    mp_get_buffer_raise(args[0], &out, MP_BUFFER_WRITE);
    mp_get_buffer_raise(args[1], &slot, MP_BUFFER_WRITE);
    size_t length = small_u32(args[2]);
    bool sealing = args[8] != mp_const_none;
    size_t around = OVERHEAD_BYTES + (sealing ? NATIVE_TAG_BYTES : 0);
    if (slot.len < around || length > slot.len - around) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    uint8_t *packet = slot.buf;
    packet[0] = small_u32(args[3]);
    packet[1] = small_u32(args[4]);
    put_u16(packet + 2, small_u32(args[5]));
    put_u16(packet + 4, small_u32(args[6]));
    if (sealing) {
        native_seal(native_exact(args[8], NATIVE_KEY_BYTES), native_u64(args[9]), NULL, 0, packet + HEADER_BYTES, length);
        length += NATIVE_TAG_BYTES;
    }
    length += HEADER_BYTES;
    put_u32(packet + length, crc32(small_u32(args[7]), packet, length));
    size_t written = cobs_encode(packet, length + CHECK_BYTES, out.buf, out.len);
    if (written == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("length"));
    }
    return MP_OBJ_NEW_SMALL_INT(written);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(native_frame_seal_obj, 10, 10, native_frame_seal);

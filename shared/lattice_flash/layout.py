"""How records lie in a log segment, and what an address is.

A record is a header (CRC-32 of all that follows, then kind and payload length in one u32) and a payload, padded with
zeros to a multiple of 4. All integers little-endian. The CRC is started with a number that each chip draws for itself
(with 0 for the head of a segment): behind damage the next record is searched for, and bytes that somebody else chose,
in the payload of the damaged one, must not pass for a record.

"""

from binascii import crc32
from struct import calcsize, pack, pack_into, unpack_from

from lattice_core.compat import const

HEADER_BYTES = const(8)
EMPTY = const(0x3FFFFFFF)  # no address; the largest small integer

# Kinds of records. A payload starts with the number of its store where it has one.
STORE = const(1)  # number, id (16)
INTENTION = const(2)  # INTENTION_HEAD, head (32), hash (32), signature (64), body | author (32), BODY_REFERENCE
DROP = const(3)  # store, hash (32): a floating intention forgotten
ROW = const(4)  # key length, store, table, key, value
UNROW = const(5)  # key length, store, table, key
BLOB = const(6)  # BLOB_HEAD, hash (32)
UNBLOB = const(7)  # store, hash (32)
RECORD = const(8)  # present, name length, name, value
COMMIT = const(9)  # MARK: everything since the last mark holds
ABORT = const(10)  # everything since the last mark is void
SEGMENT = const(11)  # SEGMENT_HEAD: first record of a segment
SECTION = const(12)  # nonce (u32) of what was written behind it, after a new start
KINDS = const(31)  # there will never be more

# store, by reference (0/1), padding, witness sequence (0: floating), witness wall clock in ms
INTENTION_HEAD = "<BBxxIQ"
SEQUENCE_AT = const(4)
HEAD_AT = const(16)
HASH_AT = const(48)
SIGNATURE_AT = const(80)
AUTHOR_AT = const(144)  # first field of every body, repeated in front of a reference
REFERENCE_AT = const(176)
BODY_REFERENCE = "<III"  # address, size, nonce of the section it lies in
BLOB_HEAD = "<BxxxIII"  # store, address, size, nonce of the section it lies in
BLOB_HASH_AT = const(16)
MARK = "<II"  # batch number, bound of the reserved nonces
# magic, number in the order of writing, seed of the CRCs, what is behind the last mark of the segment before (below),
# bits of an offset in an address, nonce
SEGMENT_HEAD = "<4sIIBBxxI"
BEFORE_AT = const(12)
NOTHING = const(0)  # it ends with a mark
GOES_ON = const(1)  # the open batch, which goes on in this segment
VOID = const(2)  # something that no mark will ever follow
SEGMENT_MAGIC = b"LNS1"
# In a bulk segment, before the first body of each section: magic, nonce, CRC-32 of both.
EXTENT_HEAD = "<4sII"
EXTENT_HEAD_BYTES = const(12)
EXTENT_MAGIC = b"LNB1"
INTENTION_HEAD_BYTES = calcsize(INTENTION_HEAD)


def padded(count):
    return (count + 3) & ~3


def record_bytes(length):
    """Bytes that a record with a payload of `length` bytes takes."""
    return (HEADER_BYTES + length + 3) & ~3


def extent_head(nonce, seed):
    head = pack("<4sI", EXTENT_MAGIC, nonce)
    return head + pack("<I", crc32(head, seed))


def is_newer(magic, known):
    """True for the magic of a later format of the same thing."""
    return magic[:3] == known[:3] and magic != known


def put_u32(buffer, at, value):
    pack_into("<I", buffer, at, value)


def seal(buffer, start, kind, length, seed):
    """Writes the header of the record at `start`, whose payload is in place."""
    pack_into("<I", buffer, start + 4, kind << 24 | length)
    pack_into("<I", buffer, start, crc32(memoryview(buffer)[start + 4 : start + HEADER_BYTES + length], seed))


def intact(buffer, start, seed):
    """(kind, payload length) of the record at `start` of a view, or None when it is cut short or damaged."""
    if start + HEADER_BYTES > len(buffer):
        return None
    crc, word = unpack_from("<II", buffer, start)
    length = word & 0xFFFFFF
    end = start + HEADER_BYTES + length
    if end > len(buffer) or crc32(buffer[start + 4 : end], seed) != crc:
        return None
    return word >> 24, length

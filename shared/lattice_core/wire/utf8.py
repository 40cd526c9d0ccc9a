"""Strict UTF-8. MicroPython's own decoder accepts over-long forms, surrogates and code points past U+10FFFF.

The verdict of a `string` field must not depend on the interpreter, so the check is our own wherever the
interpreter's is lax. The state of the check is one small integer, so that long text can be checked in pieces.
"""

from ..errors import ProtocolError


def _interpreter_is_strict():
    for data in (b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff"):
        try:
            str(data, "utf-8")
            return False
        except UnicodeError:
            pass
    return True


_STRICT = _interpreter_is_strict()

# What may follow a lead byte: (how many continuation bytes, lowest and highest first one), packed as
# count | low << 2 | high << 10. Every later continuation byte lies in 80..BF.
_FREE = 0x80 << 2 | 0xBF << 10


def _after_lead(byte):
    """State behind a lead byte >= 80, or -1 when there is none such."""
    if 0xC2 <= byte <= 0xDF:
        return 1 | _FREE
    if 0xE0 <= byte <= 0xEF:
        low = 0xA0 if byte == 0xE0 else 0x80
        high = 0x9F if byte == 0xED else 0xBF
        return 2 | low << 2 | high << 10
    if 0xF0 <= byte <= 0xF4:
        low = 0x90 if byte == 0xF0 else 0x80
        high = 0x8F if byte == 0xF4 else 0xBF
        return 3 | low << 2 | high << 10
    return -1


def check(data, state=0):
    """Checks a piece of text. Returns the state for the next piece: 0 between characters, -1 when it is invalid."""
    for byte in data:
        if state == 0:
            if byte >= 0x80:
                state = _after_lead(byte)
                if state < 0:
                    return -1
        else:
            if byte < (state >> 2) & 0xFF or byte > state >> 10:
                return -1
            left = (state & 3) - 1
            state = left | _FREE if left else 0
    return state


def valid(data):
    """True when `data` is whole, strict UTF-8."""
    if not _STRICT:
        return check(data) == 0
    try:
        str(data, "utf-8")
        return True
    except UnicodeError:
        return False


def decode(data):
    """The text of strict UTF-8 bytes; ProtocolError otherwise."""
    if _STRICT:
        try:
            return str(data, "utf-8")
        except UnicodeError:
            raise ProtocolError("a text is not UTF-8") from None
    if check(data):
        raise ProtocolError("a text is not UTF-8")
    return str(data, "utf-8")

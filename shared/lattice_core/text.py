"""Text that others wrote, made safe to show and to cut. Every name, reason and path of somebody else goes through here
before a person sees it: on a terminal, in a message, in an error."""

# First and last code, in order, of what is not seen or moves what is: controls, format and zero-width characters, line
# and paragraph separators, fillers, variation selectors, surrogates, tags.
HIDDEN = (
    0x00, 0x1F, 0x7F, 0x9F, 0xAD, 0xAD, 0x34F, 0x34F, 0x600, 0x605, 0x61C, 0x61C, 0x6DD, 0x6DD, 0x70F, 0x70F,
    0x890, 0x891, 0x8E2, 0x8E2, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180F, 0x200B, 0x200F, 0x2028, 0x202E,
    0x2060, 0x206F, 0x3164, 0x3164, 0xD800, 0xDFFF, 0xFDD0, 0xFDEF, 0xFE00, 0xFE0F, 0xFEFF, 0xFEFF, 0xFFA0, 0xFFA0,
    0xFFF0, 0xFFFB, 0xFFFE, 0xFFFF, 0x110BD, 0x110BD, 0x110CD, 0x110CD, 0x13430, 0x1343F, 0x1BCA0, 0x1BCA3,
    0x1D173, 0x1D17A, 0xE0000, 0xE0FFF,
)  # fmt: skip
_BORDERS = len(HIDDEN)


def is_hidden(code):
    """True for a character that cannot be seen where it stands, or that controls a terminal."""
    if 0x20 <= code < 0x7F:
        return False
    low, high = 0, _BORDERS
    while low < high:
        middle = (low + high) >> 1
        if HIDDEN[middle] < code:
            low = middle + 1
        else:
            high = middle
    return bool(low & 1) or (low < _BORDERS and HIDDEN[low] == code)


def printable(text, most=0):
    """One line: what is hidden becomes visible as `\\n`, `\\x1b`, `\\u202e`. At most `most` characters, then `…`."""
    rest = ""
    if most and len(text) > most:
        text, rest = text[:most], "…"
    for character in text:
        if is_hidden(ord(character)):
            return "".join([_visible(character) for character in text]) + rest
    return text + rest


def _visible(character):
    code = ord(character)
    if not is_hidden(code):
        return character
    if character in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character]
    if code < 0x100:
        return "\\x%02x" % code
    return ("\\u%04x" if code < 0x10000 else "\\U%08x") % code


def printable_bytes(data):
    """Bytes that ought to be text, from a peer that has proven nothing yet: ASCII, the rest as `?`."""
    return "".join([chr(byte) if 32 <= byte < 127 else "?" for byte in data])


def cut(text, size):
    """The beginning of `text` that has at most `size` bytes of UTF-8; characters stay whole."""
    if len(text) * 4 <= size:
        return text
    data = text.encode()
    if len(data) <= size:
        return text
    while size and data[size] & 0xC0 == 0x80:
        size -= 1
    return data[:size].decode()

"""A token as a QR code on a terminal: dark on light whatever the terminal's colours, two rows of the code to a line.

Colours are the two of the 256 that no theme changes. The smallest code that holds the text is taken: that of the
longest token (six members listed) has 69 modules and fits 80 columns with its quiet zone.
"""

import segno

_DARK_ON_LIGHT = "\x1b[38;5;16;48;5;231m"
_AS_BEFORE = "\x1b[0m"
_QUIET = 4  # modules around the code, as its standard asks
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def columns(text):
    """How wide the code of a text is."""
    return len(_rows(text)[0])


def lines(text):
    """The code of a text as lines for a terminal."""
    rows = _rows(text)
    if len(rows) % 2:
        rows.append(bytearray(len(rows[0])))
    drawn = []
    for upper, lower in zip(rows[::2], rows[1::2], strict=True):
        halves = "".join(_HALVES[bool(one), bool(other)] for one, other in zip(upper, lower, strict=True))
        drawn.append(_DARK_ON_LIGHT + halves + _AS_BEFORE)
    return drawn


def _rows(text):
    # The lowest level of error correction makes the smallest code; segno then raises it as far as the size allows.
    code = segno.make(text, error="l", micro=False)
    return [bytearray(row) for row in code.matrix_iter(scale=1, border=_QUIET)]

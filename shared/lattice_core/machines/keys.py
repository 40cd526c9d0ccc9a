"""Row keys of bounded length for keys of any length.

Peers may send keys of up to 1 MiB; storage takes ROW_KEY_BYTES. A key of at most KEY_BYTES is its own row key. A longer
one is shortened: its first KEY_BYTES bytes ‖ BLAKE3 of the whole key, 255 bytes in all, so the two kinds differ in
length and never meet. Lists by prefix stay right: shortened keys sort among the others by their first KEY_BYTES bytes,
and those that share them are put in order when they are listed (`kvlist.py`).
"""

from binascii import hexlify

from ..compat import const

KEY_BYTES = const(223)  # ROW_KEY_BYTES less a hash
_WINDOW = const(1024)


def row_key(crypto, key):
    """The row key of a key in memory."""
    if len(key) <= KEY_BYTES:
        return bytes(key)
    return bytes(key[:KEY_BYTES]) + crypto.blake3_digest(key)


class KeyBuilder:
    """Makes a row key from pieces that are never held whole."""

    def __init__(self, crypto):
        self._crypto = crypto
        self._hasher = None
        self._start = b""

    def add(self, piece):
        """Appends bytes in memory."""
        if self._hasher is None:
            if len(self._start) + len(piece) <= KEY_BYTES:
                self._start += piece
                return self
            self._hasher = self._crypto.blake3()
            self._hasher.update(self._start)
            self._start = (self._start + piece)[:KEY_BYTES]
        self._hasher.update(piece)
        return self

    def add_range(self, body, offset, size, as_hex=False):
        """Appends bytes of a `Body`, or their hexadecimal digits."""
        while size:
            count = min(size, _WINDOW)
            piece = body.read(offset, count)
            self.add(hexlify(piece) if as_hex else piece)
            offset += count
            size -= count
        return self

    def key(self):
        """The row key."""
        if self._hasher is None:
            return self._start
        return self._start + self._hasher.digest()

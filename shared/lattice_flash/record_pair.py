"""The node's small records in two copies with CRC, written in turn: identity, owner, own tips.

Each copy has a folder of its own, which in littlefs is a pair of blocks of its own: a damaged bit there, or in the
root where the log's files are named, silently takes that folder alone back to an earlier state.

A copy is written after the log was synced and before `commit` returns. Its batch number says which commits it
includes: records in the log that are younger go over it, and a log that ends before it has lost something.
"""

from binascii import crc32
from struct import calcsize, pack, unpack_from

from .layout import is_newer
from .nonces import Nonces
from .records import newer

FOLDERS = ("/a", "/b")
_NAMES = ("/a/records", "/b/records")
_HEAD = "<4sIIIII"  # magic, batch, number of records, seed of the log's CRCs, nonce, bound of the reserved nonces
_MAGIC = b"LNR1"


class RecordPair:
    def __init__(self, files):
        self.files = files
        self.nonces = Nonces(self._reserve)
        self.damaged = 0  # copies that could not be read
        self.seed = 0  # of the CRCs of the log's records, 0 when no copy tells it
        self._next = 0

    def load(self):
        """(batch, {name: value}) of the newest good copy; (0, {}) when there is none."""
        best, values = 0, {}
        newest = -1
        self.damaged = 0
        for number in range(2):
            if self.files.size(_NAMES[number]) > 0:  # an empty one was cut short before it ever held anything
                found = self._read(_NAMES[number])
                if found is None:
                    self.damaged += 1
                elif found[0] >= best:
                    best, values = found
                    newest = number
        if newest >= 0:
            self._next = 1 - newest
        return best, values

    def _read(self, name):
        file = self.files.open(name, "rb")
        try:
            data = self.files.read(file, 0, self.files.size(name))
        finally:
            self.files.close(file)
        head = calcsize(_HEAD)
        if len(data) < head + 4 or crc32(memoryview(data)[:-4]) != unpack_from("<I", data, len(data) - 4)[0]:
            return None
        magic, batch, count, seed, nonce, bound = unpack_from(_HEAD, data, 0)
        if is_newer(magic, _MAGIC):
            raise newer("records %s" % magic.decode())
        if magic != _MAGIC:
            return None
        self.seed = seed
        self.nonces.note_used(nonce)
        self.nonces.note_bound(bound)
        return batch, unpacked(data, head, count)

    def save(self, batch, values):
        """Writes the older copy anew. The other one stays as it is."""
        nonce = self.nonces.take()
        self._write(batch, values, nonce, self.nonces.bound)

    def _reserve(self, nonce, bound):
        """Copies the newest copy over the older one, with another bound. Cut short, the next start does the same: the
        same bytes under the same nonce."""
        batch, values = self.load()
        self._write(batch, values, nonce, bound)

    def _write(self, batch, values, nonce, bound):
        data = pack(_HEAD, _MAGIC, batch, len(values), self.seed, nonce, bound) + packed(values)
        self.files.make_folder(FOLDERS[self._next])
        file = self.files.open(_NAMES[self._next], "wb")
        try:
            self.files.write(file, data)
            self.files.write(file, pack("<I", crc32(data)))
        finally:
            self.files.close(file)  # left open, the collector would write it over a later one
        self._next = 1 - self._next


def packed(values):
    """The bytes of some records."""
    parts = []
    for name in sorted(values):
        value = values[name]
        parts.append(bytes((len(name), len(value) & 255, len(value) >> 8)))
        parts.append(name)
        parts.append(value)
    return b"".join(parts)


def unpacked(data, at, count):
    """`count` records from their bytes, whose checksum was right."""
    values = {}
    for _ in range(count):
        name_end = at + 3 + data[at]
        end = name_end + (data[at + 1] | data[at + 2] << 8)
        values[data[at + 3 : name_end]] = data[name_end:end]
        at = end
    return values

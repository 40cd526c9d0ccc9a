"""What stands under `fs/<path>`: a `DirEntry`, checked.

Content of at most 2 KiB is in the entry itself, so a node that keeps no blobs carries it too; the cid is there in
any case, so equal content is seen as equal.
"""

from ..compat import const
from ..errors import ProtocolError
from ..wire.messages import DirEntry
from . import chunks
from . import cid as cids

INLINE_BYTES = const(2048)
MODE_BITS = const(0o7777)  # permission bits; what kind of file it is has no place here
_ENTRY_BYTES = const(8192)  # a DirEntry with an inline content is far smaller; a larger value is no DirEntry


class Entry:
    """A decoded DirEntry. `inline` is None when the content is in blobs."""

    __slots__ = ("cid", "codec", "digest", "inline", "mode", "modified_at", "name", "size")

    def __init__(self, name, mode, cid, modified_at, size, inline=None):
        self.name = name
        self.mode = mode
        self.cid = cid
        self.codec, self.digest = cids.parse(cid)
        self.modified_at = modified_at
        self.size = size
        self.inline = inline

    def encode(self):
        values = {"name": self.name, "mode": self.mode, "cid": self.cid}
        values["modified_at"], values["size"] = self.modified_at, self.size
        if self.inline is not None:
            values["inline"] = self.inline
        return DirEntry.encode(values)

    def same_file(self, other):
        """True when putting `other` over this one would change nothing that a user sees but the time."""
        return self.cid == other.cid and self.size == other.size and self.mode == other.mode


def parse(body):
    """The entry in a value (a Body); ProtocolError when it is none."""
    if body.size > _ENTRY_BYTES:
        raise ProtocolError("a value of %d bytes is no file entry" % body.size)
    values = DirEntry.decode(body.read(0, body.size))
    entry = Entry(
        values["name"],
        values["mode"] & MODE_BITS,
        values["cid"],
        values["modified_at"],
        values["size"],
        values.get("inline"),
    )
    if entry.size == 0:
        entry.inline = b""
    if entry.inline is not None and len(entry.inline) != entry.size:
        raise ProtocolError("%d bytes in a file entry of %d" % (len(entry.inline), entry.size))
    if entry.codec == cids.RAW and entry.inline is None and entry.size > chunks.CHUNK_BYTES:
        raise ProtocolError("one chunk of %d bytes" % entry.size)
    return entry

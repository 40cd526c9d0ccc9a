"""A key-value table as plain dicts and lists: the rule of docs/differences.md, "Winner of a key", and nothing else."""

from lattice_core.errors import ProtocolError
from lattice_core.wire.messages import KvPayload, UniversalOp


class Table:
    """`heads`: {key: intentions, the winner first}; `written`: {(key, hash): value or None}."""

    def __init__(self):
        self.heads = {}
        self.written = {}
        self._order = {}

    def apply(self, item, writes):
        """Applies the writes of an intention, of which the first to a key counts."""
        self._order[item.hash] = len(self._order)
        deps = list(item.deps())
        for key, value in writes:
            if (key, item.hash) not in self.written:
                self.written[key, item.hash] = value
                standing = [head for head in self.heads.get(key, ()) if head.hash not in deps]
                self.heads[key] = sorted(standing + [item], key=self._rank, reverse=True)

    def _rank(self, item):
        return (item.wall_ms, item.counter, item.author, self._order[item.hash])


def kv_writes(item):
    """[(key, value or None)] that an intention writes, the last operation first; none when it does not decode."""
    try:
        data = UniversalOp.decode(item.ops_bytes()).get("app_data", b"")
        operations = KvPayload.decode(data)["ops"]
    except ProtocolError:
        return []
    found = []
    for operation in reversed(operations):
        if "put" in operation:
            found.append((operation["put"]["key"], operation["put"]["value"]))
        elif "delete" in operation:
            found.append((operation["delete"]["key"], None))
    return found

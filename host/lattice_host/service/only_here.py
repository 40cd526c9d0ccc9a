"""What no other node is known to hold: gone for good if this machine is lost."""

from lattice_core.files import tree
from lattice_core.node import peers
from lattice_core.node.stores import KV_TYPE


class OnlyHere:
    """Of one store. `intentions`: own writes; `keys` (bytes) and `files` (paths): at most `limit` each, all counted."""

    def __init__(self, node, handle, limit):
        self._node = node
        self._handle = handle
        self._limit = limit
        self._reachable = self._known_sequence()
        self.intentions = self._count_intentions()
        self.key_count = self.file_count = 0
        self.keys = []
        self.files = []
        if handle.type == KV_TYPE:
            self._look_at_keys()
            self._look_at_files()

    def any(self):
        return bool(self.intentions or self.file_count)

    def _known_sequence(self):
        """Up to which witness sequence some other ACTIVE member is known to hold every intention."""
        others = [key for key in peers.active(self._node, self._handle) if key != self._node.identity.public]
        return max((self._handle.files.holdings.holds_items(key) for key in others), default=0)

    def _count_intentions(self):
        """What others wrote, they are taken to hold."""
        own = self._node.identity.public
        return sum(author == own for _, _, author, _ in self._handle.store.witness_log(self._reachable))

    def _beyond(self, hash):
        return self._handle.store.witness_sequence(hash) > self._reachable

    def _look_at_keys(self):
        own = self._node.identity.public
        if not self.intentions:
            return
        for entry in self._handle.kv.list(deleted=True):
            winner = entry.winner
            if winner.author == own and not entry.key.startswith(tree.KEY_PREFIX) and self._beyond(winner.hash):
                self.key_count += 1
                if len(self.keys) < self._limit:
                    self.keys.append(entry.key)

    def _look_at_files(self):
        files = self._handle.files
        for file in files.list():
            if file.entry is None or not files.held(file):
                continue
            travels_inline = file.entry.inline is not None and not self._beyond(file.version.hash)
            if not travels_inline and not files.holders(file):
                self.file_count += 1
                if len(self.files) < self._limit:
                    self.files.append(file.path)

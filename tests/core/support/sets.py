"""A set of hashes as plain lists, as reconciliation sees it."""

from support import Rng


class PlainSet:
    """Hashes in a list: the `items` of reconcile.process."""

    def __init__(self, hashes):
        self.hashes = sorted(hashes)

    def range_hashes(self, start, end, limit):
        return [hash for hash in self.hashes if start <= hash < end][:limit]

    def range_summary(self, start, end):
        found = self.range_hashes(start, end, len(self.hashes))
        total = 0
        for hash in found:
            total ^= int.from_bytes(hash, "big")
        return len(found), total.to_bytes(32, "big")


def some(seed, count):
    rng = Rng(seed)
    return [rng.bytes(32) for _ in range(count)]


def listed(name, start, end, hashes):
    return {name: {"start": start, "end": end, "hashes": hashes}}

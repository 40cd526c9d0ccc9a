"""What can be told from something else when a bit of it is wrong: sums behind the rows of the state, and the columns of
`intention` and `author` from the bodies and the heads of the witness log (docs/storage.md)."""

from collections.abc import Callable, Iterator
from zlib import crc32

from lattice_core.model.witness import content_encode
from lattice_core.storage.contract import ZERO

from ..crypto import blake3_digest

SUM_BYTES = 4
_WALL_BITS = 64


def sum_of(table: int, key: bytes, value: bytes) -> bytes:
    """What stands behind a row's value."""
    return crc32(value, crc32(key, table)).to_bytes(SUM_BYTES, "big")


def opened(table: int, key: bytes, stored: bytes) -> bytes | None:
    """A row's value without its sum; None when they do not fit."""
    value = stored[:-SUM_BYTES]
    return value if stored[-SUM_BYTES:] == sum_of(table, key, value) else None


def mended(table: int, key: bytes, stored: bytes) -> bytes | None:
    """The value of a row in which one bit has flipped, None when it is more than that."""
    return next((good for good in (opened(table, key, one) for one in _flipped(stored)) if good is not None), None)


def _flipped(stored: bytes) -> Iterator[bytes]:
    changed = bytearray(stored)
    for at in range(len(changed)):
        for bit in range(8):
            changed[at] ^= 1 << bit
            yield bytes(changed)
            changed[at] ^= 1 << bit


def columns_differ(database, number: int) -> bool:
    """True when what `store` and `author` count is not what `intention` has. Reads indexes, and each tip's author."""
    count, head = database.one("SELECT count, head FROM store WHERE n = ?", (number,))
    found = database.one(
        "SELECT count(*), coalesce(max(sequence), 0) FROM intention WHERE store = ? AND sequence > 0", (number,)
    )
    if found != (count, count):
        return True
    if count and database.all("SELECT head FROM intention WHERE store = ? AND sequence = ?", (number, count)) != [
        (head,)
    ]:
        return True
    chains = database.all(
        "SELECT author, count(*), max(position) FROM intention WHERE store = ? AND author > 0 GROUP BY author",
        (number,),
    )
    noted = database.all("SELECT n, length, length FROM author WHERE store = ? ORDER BY n", (number,))
    tips = database.one(
        "SELECT count(*) FROM author a JOIN intention i ON i.store = a.store AND i.author = a.n AND "
        "i.position = a.length WHERE a.store = ? AND i.hash = a.tip AND i.sequence = a.newest "
        "AND substr(i.body, 1, 32) = a.key",
        (number,),
    )
    return sorted(chains) != noted or tips != (len(noted),)


def ends_differ(database, number: int) -> bool:
    """The part of `columns_differ` that costs the same whatever the history is: the end of the log, and that of each
    author's chain. Each open asks it; `store verify` asks the whole."""
    count, head = database.one("SELECT count, head FROM store WHERE n = ?", (number,))
    end = database.one(
        "SELECT sequence, head FROM intention WHERE store = ? ORDER BY sequence DESC LIMIT 1", (number,)
    ) or (0, None)
    if end[0] != count or (count and end[1] != head):
        return True
    authors, lengths, last = database.one(
        "SELECT count(*), coalesce(sum(length), 0), coalesce(max(n), 0) FROM author WHERE store = ?", (number,)
    )
    if lengths != count or last != authors:
        return True
    highest = database.one(
        "SELECT author FROM intention WHERE store = ? ORDER BY author DESC, position DESC LIMIT 1", (number,)
    ) or (0,)
    good = database.one(
        "SELECT count(*) FROM author a CROSS JOIN intention i ON i.store = a.store AND i.author = a.n AND "
        "i.position = (SELECT max(position) FROM intention m WHERE m.store = a.store AND m.author = a.n) "
        "WHERE a.store = ? AND i.position = a.length AND i.hash = a.tip AND i.sequence = a.newest "
        "AND substr(i.body, 1, 32) = a.key",
        (number,),
    )
    return highest != (authors,) or good != (authors,)


def log_is_good(database, number: int, store_id: bytes) -> bool:
    """True when each entry follows from the one before and stands in the chain of its body's author."""
    before, lengths = ZERO, {}
    rows = database.run(
        "SELECT i.sequence, i.hash, i.wall_ms, i.head, i.position, a.key, i.body FROM intention i LEFT JOIN author a "
        "ON a.store = i.store AND a.n = i.author WHERE i.store = ? AND i.sequence > 0 ORDER BY i.sequence",
        (number,),
    )
    for at, (sequence, hash, wall_ms, head, position, author, body) in enumerate(rows, 1):
        lengths[author] = lengths.get(author, 0) + 1
        before = blake3_digest(content_encode(store_id, hash, wall_ms & 0xFFFFFFFFFFFFFFFF, before))
        good = (sequence, head, position) == (at, before, lengths[author])
        if not good or (author != body[:32] and blake3_digest(body) == hash):
            return False
    return True


def mend_columns(database, number: int, store_id: bytes, index: Callable[[bytes], None]) -> bool:
    """Works out the columns anew, in the open transaction; `index` is given each witnessed hash for the fingerprints.
    False, and nothing has changed, when an entry is missing or no single bit explains what is wrong with it."""
    rows = database.all(
        "SELECT n, sequence, hash, wall_ms, head, body FROM intention WHERE store = ? AND sequence > 0 "
        "ORDER BY sequence, n",
        (number,),
    )
    count, end = database.one("SELECT count, head FROM store WHERE n = ?", (number,))
    placed = []
    chains: dict[bytes, list] = {}
    before = ZERO
    for at, (row, sequence, hash, wall_ms, head, body) in enumerate(rows, 1):
        following = rows[at] if at < len(rows) else None
        entry = _entry(store_id, before, hash, wall_ms, head, body, following)
        if sequence != at or entry is None:
            return False
        hash, wall_ms, before = entry
        author = _author(body, hash, database, number, row)
        if author is None:
            return False
        chain = chains.setdefault(author, [len(chains) + 1, 0, hash, at])
        chain[1] += 1
        chain[2:] = hash, at
        placed.append((hash, chain[0], chain[1], wall_ms, before, row))
    if len(rows) != count and before != end:
        return False  # the end of the log is missing
    database.begin()
    database.many("UPDATE intention SET hash = ?, author = ?, position = ?, wall_ms = ?, head = ? WHERE n = ?", placed)
    database.run("DELETE FROM author WHERE store = ?", (number,))
    database.many(
        "INSERT INTO author (store, n, key, length, tip, newest) VALUES (?, ?, ?, ?, ?, ?)",
        [(number, n, key, length, tip, newest) for key, (n, length, tip, newest) in chains.items()],
    )
    database.run("UPDATE store SET count = ?, head = ? WHERE n = ?", (len(rows), before, number))
    database.run("DELETE FROM fingerprint WHERE store = ?", (number,))
    for entry in placed:
        index(entry[0])
    return True


def _entry(store_id, before, hash, wall_ms, head, body, following):
    """(hash, wall_ms, head) of an entry behind the head `before`, as they must be; None when nobody can say."""

    def leads(hash, wall_ms):
        return blake3_digest(content_encode(store_id, hash, wall_ms & 0xFFFFFFFFFFFFFFFF, before))

    computed = leads(hash, wall_ms)
    if computed == head:
        return hash, wall_ms, head
    if following is not None:  # the next entry says which head it is that is wrong
        content = content_encode(store_id, following[2], following[3] & 0xFFFFFFFFFFFFFFFF, computed)
        if blake3_digest(content) == following[4]:
            return hash, wall_ms, computed
    own = blake3_digest(body)
    if leads(own, wall_ms) == head:
        return own, wall_ms, head
    unsigned = wall_ms & 0xFFFFFFFFFFFFFFFF
    for bit in range(_WALL_BITS):
        other = unsigned ^ (1 << bit)
        if leads(hash, other) == head:
            return hash, other - (1 << 64) if other >> 63 else other, head
    return None


def _author(body, hash, database, number, row):
    """The key of a witnessed intention's author: from its body, or where that is damaged from the table."""
    if blake3_digest(body) == hash:
        return bytes(body[:32])
    found = database.one(
        "SELECT key FROM author WHERE store = ? AND n = (SELECT author FROM intention WHERE n = ?)", (number, row)
    )
    return None if found is None else found[0]

"""Content ids and chunk lists: building, walking, and what a damaged list leads to."""

from lattice_core.errors import ProtocolError
from lattice_core.files import chunks
from lattice_core.files import cid as cids
from lattice_core.seams import BytesBody
from support import Rng, crypto, raises

CRYPTO = crypto()


class Blobs:
    """Just what `walk` asks of a store."""

    def __init__(self):
        self.held = {}

    def has_blob(self, digest):
        return digest in self.held

    def blob(self, digest):
        data = self.held.get(digest)
        return None if data is None else BytesBody(data)


def build(count, size=7, content_hash=b"h" * 32):
    """(cid, store with all lists and no chunk) of `count` made-up chunks."""
    builder = chunks.ChunkListBuilder(CRYPTO)
    store = Blobs()
    for i in range(count):
        for digest, data in builder.add(i.to_bytes(32, "big"), size):
            store.held[digest] = data
    cid, lists = builder.finish(content_hash)
    for digest, data in lists:
        store.held[digest] = data
    return cid, store


def test_cid_bytes_and_text():
    digest = CRYPTO.blake3_digest(b"hello")
    cid = cids.make(cids.RAW, digest)
    assert cid[:4].hex() == "01551e20" and len(cid) == cids.BYTES
    assert cids.parse(cid) == (cids.RAW, digest)
    assert cids.text(cid) == "bafkr4ihkr4ld3m4gqkjf4reryxsy2s5tkbxprqkow6fin2iiyvreuzzab4"
    for bad in (b"", cid[:-1], cid + b"x", b"\x02" + cid[1:], b"\x01\x70" + cid[2:], b"\x01\x55\x12" + cid[3:]):
        raises(ProtocolError, cids.parse, bad)


def test_no_chunk_one_chunk_and_a_list():
    empty = chunks.ChunkListBuilder(CRYPTO).finish(CRYPTO.blake3_digest(b""))
    assert empty == (cids.make(cids.RAW, CRYPTO.blake3_digest(b"")), [])
    builder = chunks.ChunkListBuilder(CRYPTO)
    assert builder.add(b"1" * 32, 5) == []
    assert builder.finish(b"1" * 32) == (cids.make(cids.RAW, b"1" * 32), [])
    cid, store = build(2)
    assert cids.parse(cid)[0] == cids.LIST and len(store.held) == 1


def test_lists_nest_at_every_border():
    for count in (2, 399, 400, 401, 800, 801, 1201):
        cid, store = build(count)
        codec, root = cids.parse(cid)
        walked = [
            digest for kind, digest, _ in chunks.walk(store, codec, root, count * 7) if kind == chunks.MISSING_CHUNK
        ]
        assert walked == [i.to_bytes(32, "big") for i in range(count)], count
        assert all(len(data) <= chunks.LIST_BYTES for data in store.held.values())


def test_a_full_level_grows_a_new_top():
    builder = chunks.ChunkListBuilder(CRYPTO)
    # A level of lists is filled by hand: 160,000 chunks would take the stick's interpreter a minute.
    for i in range(chunks.LIST_ENTRIES):
        builder._add(1, i.to_bytes(32, "big"), 400, [])
    for i in range(chunks.LIST_ENTRIES):
        builder.add(i.to_bytes(32, "little"), 1)
    cid, lists = builder.finish(b"h" * 32)
    top = chunks.ListReader(BytesBody(lists[-1][1]))
    assert top.depth == 2 and top.count == 2 and top.size == 400 * 400 + 400
    assert cids.parse(cid) == (cids.LIST, lists[-1][0])


def test_walk_tells_what_is_missing():
    cid, store = build(401)
    codec, root = cids.parse(cid)
    first_list = chunks.ListReader(store.blob(root)).entries()
    digest, size = next(first_list)
    del store.held[digest]
    kinds = [(kind, size) for kind, _, size in chunks.walk(store, codec, root, 401 * 7)]
    assert kinds == [
        (chunks.HELD_LIST, 2807),
        (chunks.MISSING_LIST, size),
        (chunks.HELD_LIST, 7),
        (chunks.MISSING_CHUNK, 7),
    ]
    store.held[(400).to_bytes(32, "big")] = b"chunk"
    assert [kind for kind, _, _ in chunks.walk(store, codec, root, 2807)][-1] == chunks.HELD_CHUNK
    del store.held[root]
    assert list(chunks.walk(store, codec, root, 2807)) == [(chunks.MISSING_LIST, root, 2807)]


def test_lists_that_do_not_add_up():
    good = {
        "depth": 0,
        "size": 12,
        "entries": b"a" * 32 + (5).to_bytes(8, "little") + b"b" * 32 + (7).to_bytes(8, "little"),
        "hash": b"h" * 32,
    }
    assert chunks.ListReader(BytesBody(chunks.ChunkList.encode(good))).count == 2
    for change in (
        {"size": 13},
        {"depth": 4},
        {"entries": b""},
        {"entries": good["entries"][:-1]},
        {"entries": b"a" * 32 + bytes(8), "size": 0},
        {"entries": b"a" * 32 + (65537).to_bytes(8, "little"), "size": 65537},
        {"entries": (b"a" * 32 + (1).to_bytes(8, "little")) * 401, "size": 401},
        {"hash": b"short"},
    ):
        bad = dict(good)
        bad.update(change)
        raises(ProtocolError, chunks.ListReader, BytesBody(chunks.ChunkList.encode(bad)))
    raises(ProtocolError, chunks.ListReader, BytesBody(bytes(chunks.LIST_BYTES + 1)))
    raises(ProtocolError, chunks.ListReader, BytesBody(chunks.ChunkList.encode(good)), 0, 12)  # only a top has a hash


def test_a_list_that_is_not_what_its_parent_said():
    store = Blobs()
    inner = chunks.ChunkList.encode({"depth": 0, "size": 5, "entries": b"a" * 32 + (5).to_bytes(8, "little")})
    digest = CRYPTO.blake3_digest(inner)
    store.held[digest] = inner
    for depth, size in ((1, 6), (2, 5)):
        outer = chunks.ChunkList.encode(
            {"depth": depth, "size": size, "entries": digest + size.to_bytes(8, "little"), "hash": b"h" * 32}
        )
        root = CRYPTO.blake3_digest(outer)
        store.held[root] = outer
        raises(ProtocolError, list, chunks.walk(store, cids.LIST, root, size))
        raises(ProtocolError, list, chunks.walk(store, cids.LIST, root, size + 1))


def test_any_bytes_as_a_list_raise_only_protocol_errors():
    rng = Rng(7)
    good = bytearray(
        chunks.ChunkList.encode(
            {"depth": 0, "size": 5, "entries": b"a" * 32 + (5).to_bytes(8, "little"), "hash": b"h" * 32}
        )
    )
    for _ in range(300):
        data = bytearray(good)
        for _ in range(1 + rng.below(3)):
            data[rng.below(len(data))] = rng.below(256)
        try:
            list(chunks.ListReader(BytesBody(bytes(data[: rng.below(len(data)) + 1]))).entries())
        except ProtocolError:
            pass

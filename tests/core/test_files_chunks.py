"""Content ids and chunk lists: building, walking, and what a damaged list leads to."""

from lattice_core.errors import ProtocolError, UsageError
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


def build(count, size=4096, content_hash=b"h" * 32):
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
    assert cid[:4].hex() == "01551e20"
    assert len(cid) == cids.BYTES
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
    assert cids.parse(cid)[0] == cids.LIST
    assert len(store.held) == 1


def test_lists_nest_at_every_border():
    for count in (2, 399, 400, 401, 800, 801, 1201):
        cid, store = build(count)
        codec, root = cids.parse(cid)
        walked = [
            digest for kind, digest, _ in chunks.walk(store, codec, root, count * 4096) if kind == chunks.MISSING_CHUNK
        ]
        assert walked == [i.to_bytes(32, "big") for i in range(count)], count
        assert all(len(data) <= chunks.LIST_BYTES for data in store.held.values())


def test_a_full_level_grows_a_new_top():
    builder = chunks.ChunkListBuilder(CRYPTO)
    # A level of lists is filled by hand: 160,000 chunks would take the stick's interpreter a minute.
    for i in range(chunks.LIST_ENTRIES):
        builder._add(1, i.to_bytes(32, "big"), 400 * 5000, [])
    for i in range(chunks.LIST_ENTRIES):
        builder.add(i.to_bytes(32, "little"), 5000)
    cid, lists = builder.finish(b"h" * 32)
    top = chunks.ListReader(BytesBody(lists[-1][1]))
    assert top.depth == 2
    assert top.count == 2
    assert top.size == 5000 * (400 * 400 + 400)
    assert cids.parse(cid) == (cids.LIST, lists[-1][0])


def test_walk_tells_what_is_missing():
    cid, store = build(401)
    codec, root = cids.parse(cid)
    first_list = chunks.ListReader(store.blob(root)).entries()
    digest, size = next(first_list)
    del store.held[digest]
    kinds = [(kind, size) for kind, _, size in chunks.walk(store, codec, root, 401 * 4096)]
    assert kinds == [
        (chunks.HELD_LIST, 401 * 4096),
        (chunks.MISSING_LIST, size),
        (chunks.HELD_LIST, 4096),
        (chunks.MISSING_CHUNK, 4096),
    ]
    store.held[(400).to_bytes(32, "big")] = b"chunk"
    assert [kind for kind, _, _ in chunks.walk(store, codec, root, 401 * 4096)][-1] == chunks.HELD_CHUNK
    del store.held[root]
    assert list(chunks.walk(store, codec, root, 401 * 4096)) == [(chunks.MISSING_LIST, root, 401 * 4096)]


def entry_bytes(digest, size):
    return digest + size.to_bytes(8, "little")


def test_lists_that_do_not_add_up():
    good = {
        "depth": 0,
        "size": 4103,
        "entries": entry_bytes(b"a" * 32, 4096) + entry_bytes(b"b" * 32, 7),
        "hash": b"h" * 32,
    }
    assert chunks.ListReader(BytesBody(chunks.ChunkList.encode(good))).count == 2
    for change in (
        {"size": 4104},
        {"depth": 4},
        {"depth": 1},
        {"entries": b""},
        {"entries": good["entries"][:-1]},
        {"entries": good["entries"][:40] + entry_bytes(b"b" * 32, 0), "size": 4096},
        {"entries": good["entries"][:40] + entry_bytes(b"b" * 32, 65537), "size": 4096 + 65537},
        {"entries": entry_bytes(b"a" * 32, 4096) * 401, "size": 401 * 4096},
        {"hash": b"short"},
    ):
        bad = dict(good)
        bad.update(change)
        raises(ProtocolError, chunks.ListReader, BytesBody(chunks.ChunkList.encode(bad)))
    raises(ProtocolError, chunks.ListReader, BytesBody(bytes(chunks.LIST_BYTES + 1)))
    raises(ProtocolError, chunks.ListReader, BytesBody(chunks.ChunkList.encode(good)), 0, 4103)  # only a top has a hash


def read_list(sizes, depth=0, of_top=True, last=True):
    """A list of entries of these sizes, read as the top or as one below it."""
    entries = b"".join([entry_bytes(bytes([number & 255]) * 32, size) for number, size in enumerate(sizes)])
    values = {"depth": depth, "size": sum(sizes), "entries": entries, "hash": b"h" * 32 if of_top else b""}
    body = BytesBody(chunks.ChunkList.encode(values))
    if of_top:
        return chunks.ListReader(body)
    return chunks.ListReader(body, depth, sum(sizes), last)


def test_only_the_last_chunk_is_small_and_only_the_last_list_is_short():
    full = [4096] * 400
    below = 400 * 4096
    assert read_list([4096, 1]).count == 2
    assert read_list(full, 0, False, False).count == 400
    assert read_list([9], 0, False).count == 1
    assert read_list([below, 1], 1).count == 2
    assert read_list([below * 400, 1], 2).count == 2
    for bad in (
        ([4095, 4096],),  # a small chunk that is not the last
        ([5000],),  # a list for a single chunk
        ([below], 1),
        (full[:-1], 0, False, False),  # a short list that is not the last of its level
        (full[:-1] + [4095], 0, False, False),
        ([below - 1, below], 1),  # what stands below cannot be a full list
        ([below] * 399 + [below - 1], 1, False, False),
        ([400 * 65536 + 1, 1], 1),
        ([below, 400 * 65536 + 1], 1),
    ):
        raises(ProtocolError, read_list, *bad)


def nested(depth, count=400):
    """A content whose lists all name one chunk or list `count` times: (cid, size, store)."""
    store = Blobs()
    digest, size = CRYPTO.blake3_digest(b"x"), 4096
    store.held[digest] = b"x"
    for level in range(depth + 1):
        values = {"depth": level, "size": size * count, "entries": entry_bytes(digest, size) * count}
        if level == depth:
            values["hash"] = b"h" * 32
        data = chunks.ChunkList.encode(values)
        digest, size = CRYPTO.blake3_digest(data), size * count
        store.held[digest] = data
    return digest, size, store


def test_a_list_that_repeats_itself_is_walked_once():
    for depth in (1, 3):
        root, size, store = nested(depth)
        steps = 0
        for kind, _, _ in chunks.walk(store, cids.LIST, root, size, True):
            steps += 1
            assert kind in (chunks.HELD_LIST, chunks.HELD_CHUNK)
            assert steps <= 400 * len(store.held)
        assert steps == 400 + depth + 1
    root, size, store = nested(1)
    steps = 0
    for _ in chunks.walk(store, cids.LIST, root, size):
        steps += 1
        if steps == 2000:
            break  # in content order everything comes as often as it stands there
    assert steps == 2000


def test_one_list_cannot_stand_for_two_sizes():
    root, size, store = nested(0)
    inner = chunks.ChunkList.decode(store.held[root])
    inner["hash"] = b""
    data = chunks.ChunkList.encode(inner)
    digest = CRYPTO.blake3_digest(data)
    store.held[digest] = data
    outer = {
        "depth": 1,
        "size": 2 * size + 1,
        "entries": entry_bytes(digest, size) + entry_bytes(digest, size + 1),
        "hash": b"h" * 32,
    }
    data = chunks.ChunkList.encode(outer)
    root = CRYPTO.blake3_digest(data)
    store.held[root] = data
    for once in (False, True):
        raises(ProtocolError, list, chunks.walk(store, cids.LIST, root, 2 * size + 1, once))


def test_a_writer_cannot_make_what_readers_refuse():
    builder = chunks.ChunkListBuilder(CRYPTO)
    builder.add(b"1" * 32, 4096)
    builder.add(b"2" * 32, 4095)
    raises(UsageError, builder.add, b"3" * 32, 4096)


def test_every_list_of_a_writer_is_read():
    rng = Rng(11)
    for count in (2, 3, 400, 401, 799, 800, 801, 1203):
        builder = chunks.ChunkListBuilder(CRYPTO)
        store = Blobs()
        size = 0
        for number in range(count):
            chunk_bytes = 4096 + rng.below(61441)
            if number == count - 1:
                chunk_bytes = 1 + rng.below(65536)
            size += chunk_bytes
            for digest, data in builder.add(number.to_bytes(32, "big"), chunk_bytes):
                store.held[digest] = data
        cid, lists = builder.finish(b"h" * 32)
        store.held.update(lists)
        given = 0
        for kind, digest, _ in chunks.walk(store, *cids.parse(cid), size):
            if kind == chunks.MISSING_CHUNK:
                assert digest == given.to_bytes(32, "big")
                given += 1
        assert given == count


def test_a_list_that_is_not_what_its_parent_said():
    store = Blobs()
    full = chunks.ChunkList.encode({"depth": 0, "size": 400 * 4096, "entries": entry_bytes(b"c" * 32, 4096) * 400})
    store.held[CRYPTO.blake3_digest(full)] = full
    first = entry_bytes(CRYPTO.blake3_digest(full), 400 * 4096)
    inner = chunks.ChunkList.encode({"depth": 0, "size": 5, "entries": entry_bytes(b"a" * 32, 5)})
    digest = CRYPTO.blake3_digest(inner)
    store.held[digest] = inner

    def outer(depth, size):
        values = {"depth": depth, "size": 400 * 4096 + size, "entries": first + entry_bytes(digest, size)}
        values["hash"] = b"h" * 32
        data = chunks.ChunkList.encode(values)
        store.held[CRYPTO.blake3_digest(data)] = data
        return CRYPTO.blake3_digest(data), 400 * 4096 + size

    root, size = outer(1, 5)
    assert len(list(chunks.walk(store, cids.LIST, root, size))) == 1 + 1 + 400 + 1 + 1
    raises(ProtocolError, list, chunks.walk(store, cids.LIST, root, size + 1))
    for depth, said in ((1, 6), (2, 5)):
        root, size = outer(depth, said)
        raises(ProtocolError, list, chunks.walk(store, cids.LIST, root, size))


def test_any_bytes_as_a_list_raise_only_protocol_errors():
    rng = Rng(7)
    good = bytearray(
        chunks.ChunkList.encode(
            {
                "depth": 0,
                "size": 4101,
                "entries": entry_bytes(b"a" * 32, 4096) + entry_bytes(b"b" * 32, 5),
                "hash": b"h" * 32,
            }
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

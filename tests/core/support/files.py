"""Files and content in nodes with storage in memory."""

from lattice_core.files.chunks import ChunkListBuilder
from lattice_core.files.entry import Entry
from support import Rng, crypto
from support.nano import START_MS
from support.nodes import CRYPTO, NOW_MS, join, make_node, share


def make_file(handle, path, content, chunk_bytes=4096, now_ms=NOW_MS, keep=None):
    """Puts a file cut into equal chunks. `keep`: which chunk numbers are stored, all by default."""
    builder = ChunkListBuilder(CRYPTO)
    for number, at in enumerate(range(0, len(content), chunk_bytes)):
        chunk = content[at : at + chunk_bytes]
        digest = CRYPTO.blake3_digest(chunk)
        if keep is None or number in keep:
            handle.contents.put(digest, chunk)
        for list_digest, data in builder.add(digest, len(chunk)):
            handle.contents.put(list_digest, data)
    cid, lists = builder.finish(CRYPTO.blake3_digest(content))
    for digest, data in lists:
        handle.contents.put(digest, data)
    entry = Entry(path.split("/")[-1], 0o644, cid, now_ms, len(content))
    handle.files.put_entry(path, entry, now_ms)
    handle.files.journal.commit(now_ms)
    return entry


def two_nodes(capacity=None):
    laptop, root, data = share()
    other = make_node(2, "stick", capacity)
    join(other, laptop, laptop.invites.create(root, NOW_MS))
    return laptop, data, other, other.tree.find("notes")


def content(seed, size):
    return Rng(seed).bytes(size)


def whole(handle, path):
    return b"".join(handle.files.read(handle.files.get(path).entry))


def put_file(handle, path, seed, size, chunk_bytes):
    """A file of random bytes in equal chunks: its blobs and its entry. No more than a chunk is held at once."""
    platform = crypto()
    rng = Rng(seed)
    contents = handle.contents
    builder = ChunkListBuilder(platform)
    whole = platform.blake3()
    for at in range(0, size, chunk_bytes):
        chunk = rng.bytes(min(chunk_bytes, size - at))
        whole.update(chunk)
        digest = platform.blake3_digest(chunk)
        contents.put(digest, chunk)
        for list_digest, listed in builder.add(digest, len(chunk)):
            contents.put(list_digest, listed)
    cid, lists = builder.finish(whole.digest())
    for list_digest, listed in lists:
        contents.put(list_digest, listed)
    handle.files.put_entry(path, Entry(path, 0o644, cid, START_MS, size), START_MS)
    handle.files.journal.commit(START_MS)

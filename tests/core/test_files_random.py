"""Random histories of two nodes that edit the same files: both show the same, and the books always add up."""

from lattice_core.errors import UsageError
from lattice_core.files import cid as cids
from lattice_core.files.chunks import ChunkListBuilder
from lattice_core.files.entry import Entry
from support import Rng
from support.nodes import CRYPTO, NOW_MS, carry_blobs, join, make_node, meet, share

NAMES = ("a", "b", "d/x", "d/y", "d/e/z")


def make_entry(rng, handle, path):
    """An entry with content inline, of one chunk, or of several; sometimes without its blobs."""
    kind = rng.below(3)
    keep = rng.below(4) > 0
    if kind == 0:
        content = rng.bytes(rng.below(20))
        cid = cids.make(cids.RAW, CRYPTO.blake3_digest(content))
        return Entry(path.split("/")[-1], 0o644, cid, 1, len(content), content)
    builder = ChunkListBuilder(CRYPTO)
    parts = [bytes([rng.below(3)]) * 4096 for _ in range(1 if kind == 1 else 3)]
    for part in parts:
        builder.add(CRYPTO.blake3_digest(part), len(part))
        if keep:
            handle.contents.put(CRYPTO.blake3_digest(part), part)
    cid, lists = builder.finish(CRYPTO.blake3_digest(b"".join(parts)))
    for digest, data in lists:
        if keep:
            handle.contents.put(digest, data)
    return Entry(path.split("/")[-1], 0o644, cid, 1, 4096 * len(parts))


def step(rng, handle, now_ms):
    files = handle.files
    path = rng.choice(NAMES)
    action = rng.below(10)
    try:
        if action < 5:
            entry = make_entry(rng, handle, path)
            # What `put_entry` takes for granted, that the blobs are stored, is left out here sometimes.
            handle.kv.put(b"fs/" + path.encode(), entry.encode(), now_ms)
        elif action < 7:
            files.remove(rng.choice((path, "d")), now_ms)
        elif action < 8:
            files.move(path, rng.choice(NAMES), now_ms)
        else:
            files.undo(rng.choice((path, "d")), now_ms)
    except UsageError:
        pass


def shown(handle):
    """What a user sees, without what depends on where the content is."""
    rows = []
    for file in handle.files.list():
        entry = None if file.entry is None else file.entry.encode()
        rows.append((file.path, entry, [(file.conflict_path(v), v.entry.encode()) for v in file.conflicts]))
    return rows


def check_books(handle):
    """What is wanted, complete and referenced, as counted anew."""
    files = handle.files
    wanted = set()
    referenced = set()
    for file in files.list():
        for version in file.versions:
            entry = version.entry
            if entry is not None and entry.inline is None:
                referenced.add(entry.digest)
                missing = [kind for kind, _, _ in walk(handle, entry) if kind in (1, 2)]
                if missing:
                    wanted.add((file.path, entry.digest))
                assert files.contents.complete(entry) == (not missing)
    noted = {(want.path, want.digest) for want in files.contents.wants()}
    # A want whose blobs came another way stays noted until the next session looks.
    assert wanted <= noted
    assert all(
        files.contents.complete(want) for want in files.contents.wants() if (want.path, want.digest) not in wanted
    )
    assert referenced - set(files.index.referenced()) == set()


def walk(handle, entry):
    from lattice_core.files import chunks

    return chunks.walk(handle.store, entry.codec, entry.digest, entry.size)


def run(seed, steps):
    laptop, root, data = share()
    desktop = make_node(2, "desktop")
    join(desktop, laptop, laptop.invites.create(root, NOW_MS))
    handles = ((laptop, data), (desktop, desktop.tree.find("notes")))
    rng = Rng(seed)
    now_ms = NOW_MS
    for _ in range(steps):
        now_ms += rng.below(3)
        node, handle = handles[rng.below(2)]
        step(rng, handle, now_ms)
        if rng.below(5) == 0:
            node.journal.rollback()
        else:
            node.journal.commit(now_ms)
        check_books(handle)
        if rng.below(6) == 0:
            meet(laptop, desktop, now_ms)
            assert shown(handles[0][1]) == shown(handles[1][1])
            carry_blobs(laptop, desktop)
            carry_blobs(desktop, laptop)
            if rng.below(3) == 0:
                handle.content.drop_unreferenced()
                node.journal.commit(now_ms)
            for _, each in handles:
                check_books(each)
    meet(laptop, desktop, now_ms)
    assert shown(handles[0][1]) == shown(handles[1][1])
    assert handles[0][1].weaver.state_hash() == handles[1][1].weaver.state_hash()


def test_random_histories():
    for seed in range(1, 5):
        run(seed, 25)

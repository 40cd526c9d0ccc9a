"""Entries of files: put, list, move, remove, undo, conflicts, rows that are no file."""

from lattice_core.errors import ProtocolError, UsageError
from lattice_core.files import cid as cids
from lattice_core.files import entry as entries
from lattice_core.files import history
from lattice_core.seams import BytesBody
from lattice_core.wire.messages import DirEntry
from support import Rng, raises
from support.nodes import CRYPTO, NOW_MS, join, make_node, meet, share


def small(path, content, mode=0o644, modified_at=1000):
    """The entry of a file whose content stands in it."""
    cid = cids.make(cids.RAW, CRYPTO.blake3_digest(content))
    return entries.Entry(path.split("/")[-1], mode, cid, modified_at, len(content), content)


def put(handle, path, content, now_ms=NOW_MS, **values):
    return handle.files.put_entry(path, small(path, content, **values), now_ms)


def text(handle, path):
    """Content of a file, None when there is none."""
    file = handle.files.get(path)
    return None if file is None or file.entry is None else b"".join(handle.files.read(file.entry))


def two_nodes():
    """(laptop, its data handle, desktop, its data handle)"""
    laptop, root, data = share()
    desktop = make_node(2, "desktop")
    join(desktop, laptop, laptop.invites.create(root, NOW_MS))
    return laptop, data, desktop, desktop.tree.find("notes")


def test_entry_bytes():
    entry = small("a/b.txt", b"hi")
    body = entry.encode()
    assert body.hex() == "0a05622e74787410a4031a24" + entry.cid.hex() + "20e807280232026869"
    again = entries.parse(BytesBody(body))
    assert (again.name, again.mode, again.cid, again.modified_at, again.size, again.inline) == (
        "b.txt",
        0o644,
        entry.cid,
        1000,
        2,
        b"hi",
    )


def test_what_is_no_entry():
    good = DirEntry.decode(small("a", b"hi").encode())
    for change in ({"cid": b""}, {"cid": b"x" * 36}, {"size": 3}, {"size": 70000, "inline": None}):
        values = dict(good)
        values.update(change)
        raises(ProtocolError, entries.parse, BytesBody(DirEntry.encode(values)))
    for data in (b"hello", b"", b"\x08\x01", bytes(9000)):
        raises(ProtocolError, entries.parse, BytesBody(data))
    values = dict(good)
    values["mode"] = 0o104755
    assert entries.parse(BytesBody(DirEntry.encode(values))).mode == 0o4755


def test_put_list_and_get():
    _, _, data = share()
    assert put(data, "b.txt", b"two")
    assert put(data, "a/one.txt", b"one")
    assert put(data, "empty", b"")
    assert [file.path for file in data.files.list()] == ["a/one.txt", "b.txt", "empty"]
    assert [file.path for file in data.files.list("a")] == ["a/one.txt"]
    assert data.files.index.count() == 3
    assert list(data.files.list("b.tx")) == []
    assert list(data.files.list("nothing")) == []
    assert text(data, "b.txt") == b"two"
    assert text(data, "empty") == b""
    assert text(data, "c") is None
    assert data.files.held(data.files.get("empty"))


def test_an_unchanged_file_writes_nothing():
    _, _, data = share()
    put(data, "a", b"same")
    count = data.store.count
    assert not put(data, "a", b"same")
    assert not put(data, "a", b"same", modified_at=99999)
    assert data.store.count == count
    assert put(data, "a", b"same", mode=0o755)
    assert put(data, "a", b"other")
    assert data.store.count == count + 2


def test_many_files_go_in_few_intentions():
    _, _, data = share()
    count = data.store.count
    items = [("f%03d" % i, small("f%03d" % i, b"x" * (i % 3))) for i in range(70)]
    assert data.files.put_entries(items, NOW_MS) == 70
    assert data.store.count - count == 3
    assert data.files.put_entries(items, NOW_MS) == 0
    large = [("g%d" % i, small("g%d" % i, bytes(2000))) for i in range(7)]
    data.files.put_entries(large, NOW_MS)
    assert data.store.count - count == 3 + 3
    assert len(list(data.files.list())) == 77


def test_names_are_checked_before_anything_is_written():
    _, _, data = share()
    count = data.store.count
    for path in ("../x", "/x", "a//b", "con", "x" * 300):
        raises(UsageError, put, data, path, b"bad")
    raises(UsageError, data.files.put_entries, [("ok", small("ok", b"1")), ("..", small("x", b"2"))], NOW_MS)
    assert data.store.count == count


def test_remove_and_undo():
    _, _, data = share()
    put(data, "a", b"first")
    put(data, "a", b"second")
    assert data.files.remove("a", NOW_MS) == ["a"]
    assert text(data, "a") is None
    assert data.files.undo("a", NOW_MS) == ["a"]
    assert text(data, "a") == b"second"
    put(data, "a", b"third")
    data.files.undo("a", NOW_MS)
    assert text(data, "a") == b"second"
    data.files.undo("a", NOW_MS)
    assert text(data, "a") == b"third"


def test_nothing_to_undo():
    _, _, data = share()
    put(data, "a", b"new")
    for path in ("a", "nothing", "a/b"):
        raises(UsageError, data.files.undo, path, NOW_MS)
    raises(UsageError, data.files.remove, "nothing", NOW_MS)
    assert text(data, "a") == b"new"


def test_folders_are_removed_and_brought_back():
    _, _, data = share()
    for name in ("d/1", "d/e/2", "d/3", "dd", "d.txt"):
        put(data, name, name.encode())
    assert data.files.remove("d", NOW_MS) == ["d/1", "d/3", "d/e/2"]
    assert [file.path for file in data.files.list()] == ["d.txt", "dd"]
    assert sorted(data.files.undo("d", NOW_MS)) == ["d/1", "d/3", "d/e/2"]
    assert text(data, "d/e/2") == b"d/e/2"
    raises(UsageError, data.files.undo, "d", NOW_MS)


def test_a_large_folder_is_removed_in_batches_and_brought_back():
    _, _, data = share()
    items = [("d/%03d" % i, small("%03d" % i, b"%d" % i)) for i in range(70)]
    data.files.put_entries(items, NOW_MS)
    assert len(data.files.remove("d", NOW_MS)) == 70
    assert len(data.files.undo("d", NOW_MS)) == 70
    assert text(data, "d/069") == b"69"


def test_move_changes_names_only():
    _, _, data = share()
    put(data, "old/a", b"1", mode=0o755, modified_at=77)
    put(data, "old/b/c", b"2")
    count = data.store.count
    assert data.files.move("old", "new", NOW_MS) == [("old/a", "new/a"), ("old/b/c", "new/b/c")]
    assert data.store.count == count + 1
    moved = data.files.get("new/a").entry
    assert (moved.name, moved.mode, moved.modified_at, text(data, "new/a")) == ("a", 0o755, 77, b"1")
    assert data.files.get("old/a") is None
    data.files.move("new/a", "z.txt", NOW_MS)
    assert data.files.get("z.txt").entry.name == "z.txt"
    assert data.files.undo("new/a", NOW_MS) == ["new/a"]
    assert text(data, "new/a") == b"1"


def test_a_move_is_never_half_done():
    _, _, data = share()
    for number in range(5):
        put(data, "old/%d" % number, bytes([number]) * 2000)
    first = data.store.count
    data.files.move("old", "new", NOW_MS)
    assert data.store.count == first + 2
    for sequence in range(first + 1, data.store.count + 1):
        intention = data.store.get(data.store.witness_at(sequence)[0])
        keys = history.keys_written(data.store, CRYPTO, intention, b"fs/")
        assert sorted([key[-1:] for key in keys if key[:6] == b"fs/new"]) == sorted(
            [key[-1:] for key in keys if key[:6] == b"fs/old"]
        )


def test_moves_that_cannot_be():
    _, _, data = share()
    put(data, "d/a", b"1")
    put(data, "b", b"2")
    count = data.store.count
    for source, target in (("nothing", "x"), ("d/a", "b"), ("d", "d/sub"), ("d", "d"), ("b", "../b"), ("b", "nul")):
        raises(UsageError, data.files.move, source, target, NOW_MS)
    assert data.store.count == count


def test_concurrent_edits_stand_side_by_side_until_somebody_writes():
    laptop, data, desktop, other = two_nodes()
    put(data, "a.txt", b"base")
    laptop.journal.commit(NOW_MS)
    meet(laptop, desktop)
    put(data, "a.txt", b"of the laptop", NOW_MS + 1000)
    put(other, "a.txt", b"of the desktop", NOW_MS + 2000)
    laptop.journal.commit(NOW_MS)
    desktop.journal.commit(NOW_MS)
    meet(laptop, desktop)
    names = []
    for handle in (data, other):
        file = handle.files.get("a.txt")
        assert text(handle, "a.txt") == b"of the desktop"
        (loser,) = file.conflicts
        assert (loser.author, loser.entry.inline) == (laptop.identity.public, b"of the laptop")
        names.append(file.conflict_path(loser))
        raises(UsageError, handle.files.undo, "a.txt", NOW_MS + 3000)
        raises(UsageError, handle.files.move, "a.txt", "b.txt", NOW_MS + 3000)
    assert names[0] == names[1]
    assert names[0].startswith("a (conflict 2027")
    assert names[0].endswith(".txt")
    put(data, "a.txt", b"of the desktop", NOW_MS + 4000)  # the winner itself, put again: this ends the conflict
    laptop.journal.commit(NOW_MS)
    meet(laptop, desktop)
    assert other.files.get("a.txt").conflicts == []
    assert text(other, "a.txt") == b"of the desktop"


def test_equal_content_is_no_conflict():
    laptop, data, desktop, other = two_nodes()
    put(data, "a.txt", b"photo", NOW_MS + 1000, modified_at=1)
    put(other, "a.txt", b"photo", NOW_MS + 2000, modified_at=2)
    laptop.journal.commit(NOW_MS)
    desktop.journal.commit(NOW_MS)
    meet(laptop, desktop)
    for handle in (data, other):
        file = handle.files.get("a.txt")
        assert len(file.versions) == 2
        assert file.conflicts == []
        assert file.entry.modified_at == 2
        assert not put(handle, "a.txt", b"photo", NOW_MS + 3000)
    put(data, "a.txt", b"edited", NOW_MS + 4000)
    assert data.files.undo("a.txt", NOW_MS + 5000) == ["a.txt"]
    assert text(data, "a.txt") == b"photo"
    data.files.move("a.txt", "b.txt", NOW_MS + 6000)
    laptop.journal.commit(NOW_MS)
    meet(laptop, desktop)
    assert [file.path for file in other.files.list()] == ["b.txt"]
    assert text(other, "b.txt") == b"photo"


def test_of_several_versions_with_one_content_one_is_listed():
    _, _, data = share()
    base = data.kv.put(b"fs/a", small("a", b"base").encode(), NOW_MS).hash
    for number, content in enumerate((b"x", b"y", b"x", b"base", b"y")):
        data.files.write([("a", small("a", content), [base])], NOW_MS + 1000 * number)
    file = data.files.get("a")
    assert len(file.versions) == 5
    assert text(data, "a") == b"y"
    assert [version.entry.inline for version in file.conflicts] == [b"base", b"x"]


def test_a_write_on_top_of_an_older_version_leaves_the_newer_one():
    _, _, data = share()
    both = [("a", small("a", b"1")), ("b", small("b", b"1"))]
    first = data.files.write(both, NOW_MS)
    assert first[0] == first[1]
    second = data.files.write([("a", small("a", b"2")), ("b", small("b", b"2"))], NOW_MS + 1)
    assert data.files.write([("a", small("a", b"2"))], NOW_MS + 2) == [None]
    # `a` on top of what was seen of it, `b` on top of what stands, which the same intention wrote to both.
    items = [("c", small("c", b"1")), ("a", small("a", b"3"), [first[0]]), ("b", small("b", b"3"))]
    third = data.files.write(items, NOW_MS + 3)
    assert len(set(third)) == 3
    file = data.files.get("a")
    assert text(data, "a") == b"3"
    assert [version.hash for version in file.conflicts] == [second[0]]
    assert data.files.get("b").conflicts == []
    assert text(data, "b") == b"3"
    data.files.write([("a", None, [second[0]])], NOW_MS + 4)
    assert data.files.get("a").removed
    assert data.files.get("a").conflicts[0].hash == third[1]


def test_what_two_have_removed_comes_back():
    laptop, data, desktop, other = two_nodes()
    put(data, "d/a", b"base")
    laptop.journal.commit(NOW_MS)
    meet(laptop, desktop)
    data.files.remove("d/a", NOW_MS + 1000)
    other.files.remove("d/a", NOW_MS + 2000)
    laptop.journal.commit(NOW_MS)
    desktop.journal.commit(NOW_MS)
    meet(laptop, desktop)
    assert list(data.files.list()) == []
    assert data.files.undo("d", NOW_MS + 3000) == ["d/a"]
    assert text(data, "d/a") == b"base"
    assert other.files.undo("d/a", NOW_MS + 3000) == ["d/a"]


def test_an_edit_beside_a_removal_is_not_lost():
    laptop, data, desktop, other = two_nodes()
    put(data, "a", b"base")
    laptop.journal.commit(NOW_MS)
    meet(laptop, desktop)
    put(data, "a", b"edited", NOW_MS + 1000)
    other.files.remove("a", NOW_MS + 2000)
    laptop.journal.commit(NOW_MS)
    desktop.journal.commit(NOW_MS)
    meet(laptop, desktop)
    (file,) = data.files.list()
    assert file.removed
    assert file.entry is None
    assert [version.entry.inline for version in file.conflicts] == [b"edited"]
    data.files.remove("a", NOW_MS + 3000)
    assert list(data.files.list()) == []


def test_rows_that_are_no_files_are_listed_as_such():
    laptop, _, data = share()
    data.kv.put(b"fs/note", b"just text", NOW_MS)
    data.kv.put(b"fs/\xff\xfe", small("x", b"1").encode(), NOW_MS)
    data.kv.put(b"fs/" + b"n" * 5000, small("n", b"1").encode(), NOW_MS)
    data.kv.put(b"fs/../escape", small("escape", b"1").encode(), NOW_MS)
    data.kv.put(b"other", b"row", NOW_MS)
    laptop.journal.commit(NOW_MS)
    listed = list(data.files.list())
    assert len(listed) == 4
    assert [file.path for file in listed if file.problem is None] == ["../escape"]
    assert all(file.problem.startswith("not a file") for file in listed if file.path != "../escape")
    assert not data.files.held(data.files.get("note"))
    put(data, "note", b"now a file")
    assert text(data, "note") == b"now a file"


def test_long_names_work_like_short_ones():
    _, _, data = share()
    folder = "/".join(["a" * 100] * 4)
    put(data, folder + "/x", b"1")
    put(data, folder + "/y", b"2")
    assert sorted([file.path for file in data.files.list(folder)]) == [folder + "/x", folder + "/y"]
    assert data.files.remove(folder + "/x", NOW_MS) == [folder + "/x"]
    assert data.files.undo(folder, NOW_MS) == [folder + "/x"]
    assert text(data, folder + "/x") == b"1"


def test_an_entry_whose_content_lies():
    _, _, data = share()
    entry = small("a", b"truth")
    entry.inline = b"liars"
    data.kv.put(b"fs/a", entry.encode(), NOW_MS)
    found = data.files.get("a").entry
    raises(ProtocolError, list, data.files.read(found))


def test_any_bytes_in_a_row_are_listed_and_never_raised():
    _, _, data = share()
    rng = Rng(3)
    good = small("a", b"content").encode()
    for number in range(60):
        value = bytearray(good)
        for _ in range(1 + rng.below(4)):
            value[rng.below(len(value))] = rng.below(256)
        data.kv.put(b"fs/%d" % number, bytes(value[: rng.below(len(value)) + 1]), NOW_MS)
    data.files.journal.commit(NOW_MS)
    listed = list(data.files.list())
    assert len(listed) == 60
    assert [file for file in listed if file.problem]
    for file in listed:
        data.files.held(file)
        data.files.holders(file)

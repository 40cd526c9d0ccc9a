"""Files between a disk and a store: put, get, names that escape, links, conflicts, undo."""

import os
import stat
import sys
import time
import unicodedata

import pytest

from host.files_support import NOW_MS, fresh_node, noise, put_text, tree_of, write
from lattice_core.errors import UsageError
from lattice_core.files import cid as cids
from lattice_core.files.entry import Entry
from lattice_host import crypto, safe_write
from lattice_host import files as transfer
from lattice_host.chunking import cut

ROOT_SEES_ALL = os.geteuid() == 0 if hasattr(os, "geteuid") else False


@pytest.mark.parametrize("size", [0, 1, 2048, 2049, 4096, 65536, 70_000, 1_000_000])
def test_a_file_comes_back_byte_for_byte(files, tmp_path, size):
    source = write(tmp_path / "in" / "a.bin", noise(size))
    os.utime(source, ns=(0, 1_700_000_000_123_000_000))
    source.chmod(0o750)
    result = transfer.put(files, source, None, NOW_MS)
    assert (result.written, result.unchanged, result.bytes) == (1, 0, size)
    transfer.get(files, "a.bin", tmp_path / "out.bin")
    out = tmp_path / "out.bin"
    assert out.read_bytes() == noise(size)
    assert stat.S_IMODE(out.stat().st_mode) == 0o750
    assert out.stat().st_mtime_ns == 1_700_000_000_123_000_000
    assert result.entries == [("a.bin", cids.text(files.get("a.bin").entry.cid))]


def test_small_content_stands_in_the_entry(files, tmp_path):
    transfer.put(files, write(tmp_path / "small", noise(2048)), None, NOW_MS)
    assert files.get("small").entry.inline == noise(2048)
    assert list(files.store.blobs()) == []
    transfer.put(files, write(tmp_path / "larger", noise(2049)), None, NOW_MS)
    assert files.get("larger").entry.inline is None
    assert len(list(files.store.blobs())) == 1


def test_an_unchanged_file_writes_nothing(files, tmp_path):
    source = write(tmp_path / "a", noise(100_000))
    transfer.put(files, source, None, NOW_MS)
    count, blobs, commits = files.store.count, len(list(files.store.blobs())), files.storage.commits
    os.utime(source, ns=(0, 5))
    result = transfer.put(files, source, None, NOW_MS + 1)
    assert (result.written, result.unchanged, result.stored_bytes) == (0, 1, 0)
    assert (files.store.count, len(list(files.store.blobs())), files.storage.commits) == (count, blobs, commits)
    source.chmod(0o600)
    assert transfer.put(files, source, None, NOW_MS + 2).written == 1


def test_a_changed_file_shares_its_chunks(files, tmp_path):
    data = noise(1_000_000)
    transfer.put(files, write(tmp_path / "a", data), None, NOW_MS)
    changed = data[:500_000] + b"inserted" + data[500_000:]
    result = transfer.put(files, write(tmp_path / "a", changed), None, NOW_MS + 1)
    assert result.stored_bytes < 150_000
    transfer.get(files, "a", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == changed


def test_chunks_have_the_documented_sizes(tmp_path):
    with write(tmp_path / "a", noise(3_000_000)).open("rb") as stream:
        sizes = [len(chunk) for chunk in cut(stream)]
    assert sum(sizes) == 3_000_000
    assert all(4096 <= size <= 65536 for size in sizes[:-1])
    assert 12_000 < sum(sizes) / len(sizes) < 28_000
    with write(tmp_path / "empty", b"").open("rb") as stream:
        assert list(cut(stream)) == []


def test_folders_and_awkward_names(files, tmp_path):
    source = tmp_path / "src"
    names = [
        "empty",
        "-dash",
        "dots...end",
        "grüße.txt",
        "日本語/ファイル.md",
        "emoji 🚲.txt",
        "deep/er/x",
        "spaces  two",
    ]
    for name in names:
        write(source / name, name.encode() * 500)
    write(source / "zero", b"")
    result = transfer.put(files, source, None, NOW_MS)
    assert result.written == len(names) + 1
    assert result.skipped == []
    assert {file.path for file in files.list()} == {"src/" + name for name in [*names, "zero"]}
    transfer.get(files, "src", tmp_path / "out")
    assert tree_of(tmp_path / "out") == tree_of(source)
    transfer.get(files, "", tmp_path / "all")
    assert tree_of(tmp_path / "all" / "src") == tree_of(source)
    transfer.get(files, "src/deep", tmp_path / "part")
    assert tree_of(tmp_path / "part") == {"er/x": b"deep/er/x" * 500}
    assert transfer.put(files, source, None, NOW_MS + 1).written == 0


def test_names_are_stored_in_nfc(files, tmp_path):
    decomposed = "u\u0308ber"
    transfer.put(files, write(tmp_path / "d" / decomposed, b"x"), None, NOW_MS)
    assert [file.path for file in files.list()] == ["\u00fcber"]
    transfer.get(files, decomposed, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"x"


def test_put_under_another_name(files, tmp_path):
    source = write(tmp_path / "a", b"1")
    transfer.put(files, source, "x/y.txt", NOW_MS)
    write(tmp_path / "folder" / "b", b"2")
    transfer.put(files, tmp_path / "folder", "z/", NOW_MS)
    assert [file.path for file in files.list()] == ["x/y.txt", "z/b"]
    for name in ("../a", "/a", "con", ""):
        with pytest.raises(UsageError):
            transfer.put(files, source, name, NOW_MS)


def test_what_is_no_file_is_left_out_and_named(files, tmp_path):
    source = tmp_path / "src"
    write(source / "good", b"1")
    write(source / "back\\slash", b"2")
    (source / "link").symlink_to(tmp_path)
    os.mkfifo(source / "pipe")
    os.close(os.open(os.fsencode(source) + b"/\xff\xfe", os.O_CREAT))
    result = transfer.put(files, source, None, NOW_MS)
    assert [file.path for file in files.list()] == ["src/good"]
    reasons = dict(result.skipped)
    assert "symbolic link" in reasons["src/link"]
    assert "backslash" in reasons["src/back\\slash"]
    assert "neither" in reasons["src/pipe"]
    assert len(reasons) == 4
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        transfer.put(files, source / "pipe", None, NOW_MS)
    with pytest.raises(UsageError, match="absent cannot be read"):
        transfer.put(files, source / "absent", None, NOW_MS)


def test_two_forms_of_one_name_do_not_hide_each_other(files, tmp_path):
    write(tmp_path / "d" / "u\u0308", b"decomposed")
    write(tmp_path / "d" / "\u00fc", b"composed")
    result = transfer.put(files, tmp_path / "d", None, NOW_MS)
    assert result.written == 1
    assert [path for path, _ in result.skipped] == ["d/\u00fc"]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(files, tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        write(tmp_path / "d" / name, name.encode() * 5000)
    whole = transfer.cut

    def failing(stream):
        if stream.name.endswith("b"):
            raise OSError(5, "Input/output error")
        return whole(stream)

    monkeypatch.setattr(transfer, "cut", failing)
    result = transfer.put(files, tmp_path / "d", None, NOW_MS)
    assert result.skipped == [("d/b", "it cannot be read: Input/output error")]
    assert [file.path for file in files.list()] == ["d/a", "d/c"]
    with pytest.raises(UsageError, match="Input/output error"):
        transfer.put(files, tmp_path / "d" / "b", None, NOW_MS)


def test_what_a_crash_leaves_of_a_put_is_used_by_the_next(files, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "COMMIT_BYTES", 100_000)
    source = write(tmp_path / "a", noise(1_000_000))

    def crash(done, _total, _name):
        if done > 600_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer.put(files, source, None, NOW_MS, crash)
    files.journal.rollback()
    assert list(files.list()) == []
    result = transfer.put(files, source, None, NOW_MS)
    assert result.written == 1
    assert result.stored_bytes < 600_000
    transfer.get(files, "a", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == noise(1_000_000)


@pytest.mark.parametrize(
    "path",
    ["../escape", "/tmp/escape", "a/../../escape", "..\\escape", "C:escape", "nul", "a\x00b", "a/./b", "deep/.."],
)
def test_names_that_escape_never_touch_a_disk(files, tmp_path, path):
    entry = Entry("escape", 0o644, cids.make(cids.RAW, crypto.blake3_digest(b"evil")), 1, 4, b"evil")
    files.kv.put(b"fs/" + path.encode(), entry.encode(), NOW_MS)
    transfer.put(files, write(tmp_path / "good", b"fine"), None, NOW_MS)
    before = tree_of(tmp_path)
    out = tmp_path / "deep" / "out"
    result = transfer.get(files, "", out)
    assert [name for name, _ in result.problems] == [path]
    assert tree_of(out) == {"good": b"fine"}
    assert {name: data for name, data in tree_of(tmp_path).items() if not name.startswith("deep/out/")} == before


def test_a_single_file_is_named_by_the_user_not_by_the_entry(files, tmp_path):
    entry = Entry("x", 0o4755, cids.make(cids.RAW, crypto.blake3_digest(b"1")), 2**63, 1, b"1")
    files.kv.put(b"fs/../x", entry.encode(), NOW_MS)
    transfer.get(files, "../x", tmp_path / "chosen")
    assert (tmp_path / "chosen").read_bytes() == b"1"
    assert stat.S_IMODE((tmp_path / "chosen").stat().st_mode) == 0o755
    (tmp_path / "folder").mkdir()
    transfer.get(files, "../x", tmp_path / "folder")
    assert (tmp_path / "folder" / "x").exists()


def test_links_in_the_destination_do_not_lead_out(files, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    write(outside / "victim", b"untouched")
    source = tmp_path / "src"
    write(source / "sub" / "victim", b"evil")
    write(source / "victim", b"evil")
    transfer.put(files, source, None, NOW_MS)
    out = tmp_path / "out" / "src"
    out.mkdir(parents=True)
    (out / "sub").symlink_to(outside)
    (out / "victim").symlink_to(outside / "victim")
    result = transfer.get(files, "src", out.parent)
    assert [name for name, _ in result.problems] == ["src/sub/victim", "src/victim"]
    result = transfer.get(files, "src", out.parent, force=True)
    assert [name for name, _ in result.problems] == ["src/sub/victim"]
    assert (outside / "victim").read_bytes() == b"untouched"
    assert (out / "victim").read_bytes() == b"evil"
    assert not (out / "victim").is_symlink()


def test_nothing_is_left_behind_when_writing_fails(files, tmp_path):
    transfer.put(files, write(tmp_path / "a", noise(100_000)), None, NOW_MS)
    for digest, size in list(files.store.blobs()):
        if 4096 <= size <= 65536 and size % 40:
            # A medium that gives back something else than was stored.
            files.store.drop_blob(digest)
            files.store.put_blob(digest, bytes(size))
            break
    write(tmp_path / "out" / "a", b"old")
    with pytest.raises(UsageError, match="hash"):
        transfer.get(files, "a", tmp_path / "out" / "a", force=True)
    assert tree_of(tmp_path / "out") == {"a": b"old"}


def test_a_file_where_a_folder_must_be(files, tmp_path):
    source = tmp_path / "src"
    write(source / "a" / "b", b"1")
    write(source / "c", b"2")
    transfer.put(files, source, None, NOW_MS)
    out = tmp_path / "out"
    write(out / "src" / "a", b"in the way")
    write(out / "src" / "c" / "mine", b"in the way, too")
    result = transfer.get(files, "src", out)
    assert sorted(name for name, _ in result.problems) == ["src/a/b", "src/c"]
    assert tree_of(out) == {"src/a": b"in the way", "src/c/mine": b"in the way, too"}
    with pytest.raises(UsageError, match="is a file: name a folder"):
        transfer.get(files, "src", out / "src" / "a")
    with pytest.raises(UsageError, match="is a file: name a folder"):
        transfer.get(files, "", out / "src" / "a")
    result = transfer.get(files, "src", out, force=True)  # a whole folder is not removed for a file
    assert [name for name, _ in result.problems] == ["src/c"]
    assert tree_of(out) == {"src/a/b": b"1", "src/c/mine": b"in the way, too"}


def test_content_that_is_not_here_says_who_has_it(files, tmp_path):
    other = fresh_node(2, "desktop")
    node = files.node
    root = node.tree.find_root()
    node.members.admit(root, other.identity.public, "desktop", NOW_MS)
    transfer.put(files, write(tmp_path / "a", noise(50_000)), None, NOW_MS)
    files.holdings.acknowledged(other.identity.public, files.store.count)
    files.holdings.content_acknowledged(other.identity.public, files.store.count)
    for digest, _ in list(files.store.blobs()):
        files.store.drop_blob(digest)
    files.contents.collect(iter(()), NOW_MS, 0)
    with pytest.raises(UsageError, match="known to hold it: desktop"):
        transfer.get(files, "a", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    node.members.revoke(root, other.identity.public, NOW_MS)
    with pytest.raises(UsageError, match="nobody is known"):
        transfer.get(files, "a", tmp_path / "out")


def conflicting():
    """Files in which `d/a.txt` is "two", and "one" its conflict copy."""
    laptop = fresh_node()
    handle = laptop.create_store("notes", "core:kvstore", None, NOW_MS)
    files = handle.files
    base = Entry("a.txt", 0o644, cids.make(cids.RAW, crypto.blake3_digest(b"one")), 1, 3, b"one")
    files.put_entry("d/a.txt", base, NOW_MS)
    laptop.journal.commit(NOW_MS)
    # A second author who has not seen the first one's entry.
    other = fresh_node(2, "desktop")
    twin = _joined(other, handle)
    entry = Entry("a.txt", 0o644, cids.make(cids.RAW, crypto.blake3_digest(b"two")), 1, 3, b"two")
    twin.files.put_entry("d/a.txt", entry, NOW_MS + 60_000)
    for hash in [twin.store.witness_at(1)[0]]:
        handle.weaver.ingest(twin.store.get(hash), NOW_MS)
    laptop.journal.commit(NOW_MS)
    return files


def test_conflict_copies_are_written_beside(tmp_path):
    files = conflicting()
    result = transfer.get(files, "d", tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_bytes() == b"two"
    ((_, copy),) = result.conflict_copies
    assert copy.read_bytes() == b"one"
    assert copy.name.startswith("a (conflict 2027")
    assert copy.suffix == ".txt"
    transfer.put(files, tmp_path / "out" / "a.txt", "d/a.txt", NOW_MS + 120_000)
    assert files.get("d/a.txt").conflicts == []


def test_a_file_called_like_a_conflict_copy_is_not_replaced_by_it(tmp_path):
    files = conflicting()
    file = files.get("d/a.txt")
    name = file.conflict_path(file.conflicts[0])
    put_text(files, name, b"a file of its own")
    result = transfer.get(files, "d", tmp_path / "out")
    assert tree_of(tmp_path / "out") == {"a.txt": b"two", name[2:]: b"a file of its own"}
    assert [path for path, _ in result.written] == [name, "d/a.txt"]
    assert result.conflict_copies == []
    ((path, reason),) = result.problems
    assert path == "d/a.txt"
    assert "would replace" in reason
    assert name[2:] in reason
    transfer.get(files, "d", tmp_path)  # the same again, into a folder that is there
    transfer.get(files, "d", tmp_path)
    assert tree_of(tmp_path / "d") == {"a.txt": b"two", name[2:]: b"a file of its own"}


def on_a_disk_that_folds(monkeypatch):
    """From here on names that differ only in case or in the form of accents are one name."""

    def folded(name):
        return unicodedata.normalize("NFD", os.fspath(name)).casefold()

    stat_, rename = os.stat, os.rename
    monkeypatch.setattr(safe_write.os, "stat", lambda name, **more: stat_(folded(name), **more))
    monkeypatch.setattr(safe_write.os, "rename", lambda old, new, **more: rename(old, folded(new), **more))


@pytest.mark.parametrize(("first", "second"), [("A.txt", "a.txt"), ("u\u0308", "\u00fc"), ("s/B", "s/b")])
def test_two_names_that_are_one_on_the_disk(files, tmp_path, monkeypatch, first, second):
    put_text(files, first, b"first")
    put_text(files, second, b"second")
    transfer.get(files, "", tmp_path / "apart")
    assert tree_of(tmp_path / "apart") == {first: b"first", second: b"second"}
    on_a_disk_that_folds(monkeypatch)
    result = transfer.get(files, "", tmp_path / "out")
    assert sorted(tree_of(tmp_path / "out").values()) == [b"first"]
    assert [path for path, _ in result.written] == [first]
    assert [path for path, _ in result.problems] == [second]
    assert first in result.problems[0][1]


def test_what_a_killed_get_left_is_not_put_and_swept(files, tmp_path, monkeypatch):
    transfer.put(files, write(tmp_path / "src" / "a", noise(5000)), "a", NOW_MS)
    out = tmp_path / "out"
    left = write(out / ".lattice-0123456789abcdef", b"half a fi")
    others = [write(out / name, b"mine") for name in (".lattice-notes", "x.lattice-0123456789abcdef")]
    result = transfer.put(files, out, "folder", NOW_MS)
    assert [path for path, _ in result.skipped] == ["folder/" + left.name]
    assert sorted(file.path for file in files.list("folder")) == ["folder/" + item.name for item in others]
    os.utime(left, (1, 1))  # the last thing that is done to a file that is being written
    transfer.get(files, "a", out)
    assert left.exists()  # it may be another process's
    now_s = time.time()
    monkeypatch.setattr(safe_write.time, "time", lambda: now_s + 3600)
    transfer.get(files, "a", out)
    assert sorted(tree_of(out)) == sorted(["a"] + [item.name for item in others])


def test_a_stored_name_like_that_of_an_unfinished_file_is_not_written(files, tmp_path):
    put_text(files, ".lattice-0123456789abcdef", b"1")
    put_text(files, "good", b"2")
    result = transfer.get(files, "", tmp_path / "out")
    assert tree_of(tmp_path / "out") == {"good": b"2"}
    assert [path for path, _ in result.problems] == [".lattice-0123456789abcdef"]


def test_a_content_that_is_partly_here_says_who_has_it(files, tmp_path):
    other = fresh_node(2, "desktop")
    files.members.admit(files.node.tree.find_root(), other.identity.public, "desktop", NOW_MS)
    put_text(files, "d/small", b"here")
    # What a sync that was cut has brought: the entry, its list, and some of its chunks.
    twin = _joined(other, files.handle)
    transfer.put(twin.files, write(tmp_path / "big", noise(200_000)), "d/big", NOW_MS)
    files.handle.weaver.ingest(twin.store.get(twin.store.witness_at(1)[0]), NOW_MS)
    files.journal.commit(NOW_MS)
    for number, digest in enumerate(twin.content.referenced()):
        if number != 3:
            body = twin.store.blob(digest)
            files.contents.put(digest, body.read(0, body.size))
    (want,) = files.contents.wants()
    assert want.path == "d/big"
    with pytest.raises(UsageError, match=r"not here; known to hold it: desktop \(wrote it\)"):
        transfer.get(files, "d/big", tmp_path / "out")
    result = transfer.get(files, "d", tmp_path / "folder")
    assert tree_of(tmp_path / "folder") == {"small": b"here"}
    assert [path for path, _ in result.problems] == ["d/big"]
    assert "desktop" in result.problems[0][1]


def test_a_chunk_that_has_gone_missing_does_not_stop_the_others(files, tmp_path):
    for name in ("a", "b", "c"):
        transfer.put(files, write(tmp_path / name, noise(50_000, ord(name))), "d/" + name, NOW_MS)
    digests = list(files.index.referenced())
    files.store.drop_blob(digests[1])  # a damaged medium: the books still call it complete
    result = transfer.get(files, "d", tmp_path / "out")
    assert sorted(tree_of(tmp_path / "out")) == ["b", "c"]
    assert result.problems == [("d/a", "a part of the content is not here")]


def _joined(node, handle):
    return node.tree.add(handle.id, handle.type, None, NOW_MS)


def test_undo_brings_content_back(files, tmp_path):
    first, second = noise(50_000, 1), noise(50_000, 2)
    transfer.put(files, write(tmp_path / "a", first), None, NOW_MS)
    transfer.put(files, write(tmp_path / "a", second), None, NOW_MS + 1)
    files.undo("a", NOW_MS + 2)
    transfer.get(files, "a", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == first
    files.remove("a", NOW_MS + 3)
    with pytest.raises(UsageError, match="no file called"):
        transfer.get(files, "a", tmp_path / "out")
    files.undo("a", NOW_MS + 4)
    transfer.get(files, "a", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == first


def test_a_large_file_is_committed_in_pieces_and_never_held(files, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "COMMIT_BYTES", 1 << 20)
    size = 12 << 20
    source = tmp_path / "large"
    with source.open("wb") as stream:
        for number in range(12):
            stream.write(noise(1 << 20, number))
    commits = files.storage.commits
    seen = []
    result = transfer.put(files, source, None, NOW_MS, lambda done, total, name: seen.append((done, total, name)))
    assert files.storage.commits - commits >= 10
    assert result.bytes == size
    assert seen[-1] == (size, size, "large")
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    seen.clear()
    transfer.get(files, "large", tmp_path / "out", lambda done, total, name: seen.append((done, total, name)))
    assert seen[-1] == (size, size, "out")
    assert (tmp_path / "out").read_bytes() == source.read_bytes()


@pytest.mark.skipif(ROOT_SEES_ALL or sys.platform == "win32", reason="root may read and write everything")
def test_a_disk_that_refuses(files, tmp_path):
    secret = write(tmp_path / "secret", b"x" * 10)
    secret.chmod(0)
    with pytest.raises(UsageError, match="cannot be read"):
        transfer.put(files, secret, None, NOW_MS)
    transfer.put(files, write(tmp_path / "a", b"1"), None, NOW_MS)
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(UsageError):
        transfer.get(files, "a", tmp_path / "locked" / "a")

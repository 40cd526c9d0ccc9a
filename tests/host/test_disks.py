"""Disks that refuse, fold names, fill up, or change while they are read; and folders that hold what must not be put."""

import errno
import os
import shutil
import stat
import subprocess
import types
import unicodedata

import pytest

from host.files_support import fresh_node, noise, put_text, tree_of, write
from lattice_core.errors import UsageError
from lattice_core.files import cid as cids
from lattice_core.files.chunks import ChunkList
from lattice_core.files.entry import Entry
from lattice_host import crypto, datadir, safe_write
from lattice_host import files as transfer
from lattice_host.lock import DirectoryLock
from lattice_host.places import Places
from lattice_host.storage import SqliteStorage

NOW_MS = 1_800_000_000_000


@pytest.fixture
def files():
    node = fresh_node()
    handle = node.create_store("notes", "core:kvstore", None, NOW_MS)
    found = handle.files
    found.node, found.handle = node, handle  # for the tests
    return found


def three(files, folder):
    for name in ("a", "b", "c"):
        write(folder / name, name.encode()).chmod(0o640)
    transfer.put(files, folder, "d", NOW_MS)


def refusing(error):
    def refuse(*_args, **_more):
        raise error

    return refuse


REFUSALS = [
    PermissionError(errno.EPERM, "Operation not permitted"),
    OSError(errno.ENOTSUP, "Operation not supported"),
    OSError(errno.ENOSYS, "Function not implemented"),
    OSError(errno.EINVAL, "Invalid argument"),
    NotImplementedError("chmod"),
]


def without_modes(monkeypatch):
    """From here on every new file has the bits 755, as on FAT."""
    open_, fchmod = os.open, os.fchmod

    def open_as_the_disk_does(path, flags, mode=0o777, **more):
        handle = open_(path, flags, mode, **more)
        if flags & os.O_CREAT:
            fchmod(handle, 0o755)
        return handle

    monkeypatch.setattr(os, "open", open_as_the_disk_does)


@pytest.mark.parametrize("error", [*REFUSALS, None], ids=lambda error: getattr(error, "strerror", None) or str(error))
def test_a_disk_that_keeps_no_modes(files, tmp_path, monkeypatch, error):
    three(files, tmp_path / "src")
    places = Places()
    with monkeypatch.context() as disk:
        without_modes(disk)
        disk.setattr(os, "fchmod", refusing(error) if error else lambda *_: None)
        disk.setattr(os, "chmod", refusing(error) if error else lambda *_: None)
        for _ in range(2):
            result = transfer.get(files, "d", tmp_path / "disk", places=places, force=True)
            assert result.problems == []
            assert result.notes in ([safe_write.MODES], [])
            shutil.rmtree(tmp_path / "disk") if _ == 0 else None
        assert result.notes == [safe_write.MODES]
        assert tree_of(tmp_path / "disk") == {"a": b"a", "b": b"b", "c": b"c"}
    for _ in range(2):
        assert transfer.put(files, tmp_path / "disk", "d", NOW_MS + 1, places=places).written == 0
    write(tmp_path / "disk" / "a", b"edited")
    assert transfer.put(files, tmp_path / "disk", "d", NOW_MS + 2, places=places).written == 1
    assert files.get("d/a").entry.mode == 0o640


def test_a_disk_without_chmod_that_keeps_the_bits_of_new_files(files, tmp_path, monkeypatch):
    three(files, tmp_path / "src")
    monkeypatch.delattr(os, "fchmod")
    result = transfer.get(files, "d", tmp_path / "disk")
    assert result.problems == []
    assert result.notes == []
    assert stat.S_IMODE((tmp_path / "disk" / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("error", REFUSALS[:4], ids=lambda error: error.strerror)
def test_a_disk_that_refuses_times_and_promises(files, tmp_path, monkeypatch, error):
    three(files, tmp_path / "src")
    monkeypatch.setattr(os, "utime", refusing(error))
    monkeypatch.setattr(os, "fsync", refusing(error))
    result = transfer.get(files, "d", tmp_path / "disk")
    assert len(result.written) == 3
    assert result.problems == []
    assert sorted(result.notes) == sorted([safe_write.TIMES, safe_write.DURABLE])


def test_a_broken_disk_is_no_unwilling_one(files, tmp_path, monkeypatch):
    three(files, tmp_path / "src")
    monkeypatch.setattr(os, "fsync", refusing(OSError(errno.EIO, "Input/output error")))
    result = transfer.get(files, "d", tmp_path / "disk")
    assert [path for path, _ in result.problems] == ["d/a", "d/b", "d/c"]
    assert result.written == []
    assert tree_of(tmp_path / "disk") == {}


def test_the_umask_of_whoever_gets_a_file_holds(files, tmp_path):
    write(tmp_path / "a", b"1").chmod(0o777)
    transfer.put(files, tmp_path / "a", None, NOW_MS)
    entry = Entry("b", 0, cids.make(cids.RAW, crypto.blake3_digest(b"2")), 1, 1, b"2")
    files.kv.put(b"fs/b", entry.encode(), NOW_MS)
    old = os.umask(0o027)
    places = Places()
    try:
        result = transfer.get(files, "", tmp_path / "out", places=places)
    finally:
        os.umask(old)
    assert result.notes == []
    assert stat.S_IMODE((tmp_path / "out" / "a").stat().st_mode) == 0o750
    assert stat.S_IMODE((tmp_path / "out" / "b").stat().st_mode) == 0o640, "an entry that names no bits"
    assert transfer.put(files, tmp_path / "out", "", NOW_MS + 1, places=places).written == 0
    assert files.get("a").entry.mode == 0o777


class FoldingDisk:
    """From `install` on, names of a folder that fold to one are one file there, each name with an inode of its own."""

    def __init__(self, folder, fold):
        self.folder = str(folder)
        self.fold = fold
        self.inodes = {}
        self.listdir = os.listdir

    def install(self, monkeypatch):
        for name in ("open", "stat", "lstat", "mkdir", "unlink"):
            monkeypatch.setattr(os, name, self._folded(getattr(os, name), name.endswith("stat")))
        rename = os.rename

        def folded_rename(old, new, *, src_dir_fd=None, dst_dir_fd=None):
            target = self._standing(new, dst_dir_fd)
            rename(old, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

        monkeypatch.setattr(os, "rename", folded_rename)

    def _standing(self, path, dir_fd):
        """The path as the disk has it: every part as it was first written."""
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            return path
        head, name = os.path.split(os.fspath(path))
        if not head.startswith(self.folder) and dir_fd is None:
            return path
        if head and head != self.folder:
            head = self._standing(head, dir_fd)
        try:
            names = self.listdir(head if head else dir_fd)
        except OSError:
            return os.path.join(head, name)
        alike = [other for other in names if self.fold(other) == self.fold(name)]
        return os.path.join(head, alike[0]) if alike else os.path.join(head, name)

    def _folded(self, function, is_status):
        def call(path, *more, dir_fd=None, **options):
            if dir_fd is not None:
                options["dir_fd"] = dir_fd
            result = function(self._standing(path, dir_fd), *more, **options)
            if not is_status or not isinstance(path, (str, os.PathLike)) or not stat.S_ISREG(result.st_mode):
                return result
            inode = self.inodes.setdefault(os.path.basename(os.fspath(path)), 1000 + len(self.inodes))
            values = {name: getattr(result, name) for name in dir(result) if name.startswith("st_")}
            return types.SimpleNamespace(**{**values, "st_ino": inode})

        return call


def by_case(name):
    return unicodedata.normalize("NFC", name).casefold()


def by_end(name):
    return name.rstrip(". ")


@pytest.mark.parametrize(
    ("fold", "first", "second"),
    [
        (by_case, "Readme.txt", "readme.txt"),
        (by_case, "u\u0308", "\u00fc"),
        (by_case, "S/a", "s/b"),
        (by_end, "end", "end."),
        (by_end, "end ", "end. ."),
    ],
)
def test_names_that_a_disk_takes_for_one_lose_nothing(files, tmp_path, monkeypatch, fold, first, second):
    for name in (first, second, "plain"):
        put_text(files, name, name.encode())
    places = Places()
    (tmp_path / "disk").mkdir()
    with monkeypatch.context() as disk:
        FoldingDisk(tmp_path / "disk", fold).install(disk)
        for _ in range(2):
            result = transfer.get(files, "", tmp_path / "disk", places=places)
            assert [path for path, _ in result.problems] == [second]
            assert first.split("/")[0] in result.problems[0][1]
    assert tree_of(tmp_path / "disk") == {first: first.encode(), "plain": b"plain"}
    result = transfer.put(files, tmp_path / "disk", "", NOW_MS + 1, places=places)
    assert result.written == 0
    assert result.skipped == []


def test_a_twin_that_was_there_before_is_not_replaced(files, tmp_path, monkeypatch):
    put_text(files, "Readme", b"one")
    put_text(files, "readme", b"two")
    places = Places()
    (tmp_path / "disk").mkdir()
    FoldingDisk(tmp_path / "disk", by_case).install(monkeypatch)
    transfer.get(files, "Readme", tmp_path / "disk", places=places)
    with pytest.raises(UsageError, match="other content stands there"):
        transfer.get(files, "readme", tmp_path / "disk", places=places)
    assert tree_of(tmp_path / "disk") == {"Readme": b"one"}
    files.remove("Readme", NOW_MS + 1)
    transfer.get(files, "readme", tmp_path / "disk", places=places)
    assert tree_of(tmp_path / "disk") == {"Readme": b"two"}, "as the disk has called it before"
    assert transfer.put(files, tmp_path / "disk", "", NOW_MS + 2, places=places).written == 0
    (tmp_path / "disk" / "Readme").write_bytes(b"edited")
    transfer.put(files, tmp_path / "disk", "", NOW_MS + 3, places=places)
    assert [(file.path, file.entry.inline) for file in files.list()] == [("readme", b"edited")]


def test_a_disk_that_gives_another_name(files, tmp_path, monkeypatch):
    """Dots at the end are dropped, say: the file is known by the disk's name from then on."""
    put_text(files, "end.", b"one")
    rename = os.rename
    places = Places()
    with monkeypatch.context() as disk:
        disk.setattr(os, "rename", lambda old, new, **more: rename(old, new.rstrip("."), **more))
        result = transfer.get(files, "", tmp_path / "disk", places=places)
    assert tree_of(tmp_path / "disk") == {"end": b"one"}
    assert '"end"' in result.notes[0]
    assert transfer.put(files, tmp_path / "disk", "", NOW_MS + 1, places=places).written == 0
    write(tmp_path / "disk" / "end", b"edited")
    assert transfer.put(files, tmp_path / "disk", "", NOW_MS + 2, places=places).written == 1
    assert [file.path for file in files.list()] == ["end."]
    assert files.get("end.").entry.inline == b"edited"


@pytest.mark.parametrize("refusal", [errno.EINVAL, errno.ENOENT, errno.EILSEQ], ids=os.strerror)
def test_a_name_that_the_disk_forbids_is_said(files, tmp_path, monkeypatch, refusal):
    put_text(files, "what?", b"1")
    put_text(files, "plain", b"2")
    rename, mkdir = os.rename, os.mkdir
    put_text(files, "in?/b", b"3")

    def forbidding(function):
        def call(*names, **more):
            if "?" in os.fspath(names[-1] if function is rename else names[0]):
                raise OSError(refusal, os.strerror(refusal))
            return function(*names, **more)

        return call

    monkeypatch.setattr(os, "rename", forbidding(rename))
    monkeypatch.setattr(os, "mkdir", forbidding(mkdir))
    result = transfer.get(files, "", tmp_path / "disk")
    assert tree_of(tmp_path / "disk") == {"plain": b"2"}
    assert [path for path, _ in result.problems] == ["in?/b", "what?"]
    assert all("takes no file of the name" in reason for _, reason in result.problems)


EXFAT = all(shutil.which(tool) for tool in ("mkfs.exfat", "mount.exfat-fuse", "losetup")) and os.geteuid() == 0


@pytest.mark.skipif(not EXFAT, reason="needs root and exfat-fuse")
def test_a_real_exfat_disk(files, tmp_path):
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.exfat", image], check=True, capture_output=True)
    found = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("no loop device here")
    device = found.stdout.strip()
    if subprocess.run(["mount.exfat-fuse", device, disk], capture_output=True, check=False).returncode:
        subprocess.run(["losetup", "-d", device], check=True)
        pytest.skip("nothing can be mounted here")
    try:
        for name in ("Readme.txt", "readme.txt", "plain.txt", "what?", "Stra\u00dfe"):
            write(tmp_path / "src" / name, name.encode()).chmod(0o644)
        places = Places()
        put = [transfer.put(files, tmp_path / "src", "f", NOW_MS, places=places)]
        result = transfer.get(files, "f", disk / "got", places=places)
        assert sorted(tree_of(disk / "got")) == ["Readme.txt", "Stra\u00dfe", "plain.txt"]
        assert [path for path, _ in result.problems] == ["f/readme.txt", "f/what?"]
        assert "would replace" in result.problems[0][1]
        assert "takes no file of the name" in result.problems[1][1]
        assert result.notes.count(safe_write.MODES) == 1
        for source in (disk / "got", tmp_path / "src") * 2:
            put.append(transfer.put(files, source, "f", NOW_MS + 1, places=places))
        assert [one.written for one in put] == [5, 0, 0, 0, 0]
        assert transfer.put(files, disk / "got", "f", NOW_MS + 2).written == 0, "without a memory either"
    finally:
        subprocess.run(["umount", disk], check=True)
        subprocess.run(["losetup", "-d", device], check=True)


# -- room -------------------------------------------------------------------------------------------------------------


def bomb(files):
    """52 KB of canonical chunk lists that stand for 262 GB: every list names one chunk or list 400 times."""
    chunk = noise(4096)
    digest, size = crypto.blake3_digest(chunk), 4096
    files.store.put_blob(digest, chunk)
    for depth in range(3):
        entries = (digest + size.to_bytes(8, "little")) * 400
        size *= 400
        top = b"\0" * 32 if depth == 2 else b""
        data = ChunkList.encode({"depth": depth, "size": size, "entries": entries, "hash": top})
        digest = crypto.blake3_digest(data)
        files.store.put_blob(digest, data)
    entry = Entry("bomb", 0o644, cids.make(cids.LIST, digest), 5, size)
    files.kv.put(b"fs/d/bomb", entry.encode(), NOW_MS)
    return size


def with_free(monkeypatch, free):
    real = os.fstatvfs

    def fstatvfs(handle):
        found = real(handle)
        values = {name: getattr(found, name) for name in dir(found) if name.startswith("f_")}
        return types.SimpleNamespace(**{**values, "f_frsize": 1, "f_bavail": free})

    monkeypatch.setattr(os, "fstatvfs", fstatvfs)


def test_a_small_tree_that_stands_for_more_than_the_disk_has(files, tmp_path, monkeypatch):
    assert bomb(files) == 262_144_000_000
    put_text(files, "d/a", b"small")
    put_text(files, "d/z", b"small, too")
    with_free(monkeypatch, 96 << 20)
    monkeypatch.setattr(files, "read", _counting(files.read))
    result = transfer.get(files, "d", tmp_path / "out")
    assert tree_of(tmp_path / "out") == {"a": b"small", "z": b"small, too"}
    assert result.problems == [("d/bomb", "it has 244 GiB, and 96 MiB are free on this disk")]
    with pytest.raises(UsageError, match="244 GiB"):
        transfer.get(files, "d/bomb", tmp_path / "out")


def _counting(read):
    """`read` that fails when more is read than any disk of the tests has room for."""

    def counted(entry):
        total = 0
        for piece in read(entry):
            total += len(piece)
            assert total < 1 << 20
            yield piece

    return counted


def test_an_entry_that_claims_less_than_its_tree_writes_nothing(files, tmp_path):
    bomb(files)
    found = files.get("d/bomb").entry
    files.contents.mark_complete(found)
    small = Entry("bomb", 0o644, found.cid, 5, 70_000)
    files.kv.put(b"fs/d/bomb", small.encode(), NOW_MS + 1)
    with pytest.raises(UsageError):
        transfer.get(files, "d/bomb", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_disk_that_fills_up_meanwhile(files, tmp_path, monkeypatch):
    transfer.put(files, write(tmp_path / "a", noise(300_000)), "d/a", NOW_MS)
    put_text(files, "d/b", b"small")
    write_ = os.fdopen

    def fdopen(handle, *more):
        stream = write_(handle, *more)

        class Full:
            def write(self, data):
                if len(data) > 1000:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return stream.write(data)

            def __getattr__(self, name):
                return getattr(stream, name)

            def __enter__(self):
                return self

            def __exit__(self, *_exc):
                stream.close()

        return Full()

    monkeypatch.setattr(os, "fdopen", fdopen)
    result = transfer.get(files, "d", tmp_path / "out")
    assert tree_of(tmp_path / "out") == {"b": b"small"}
    assert result.problems == [("d/a", "No space left on device")]


# -- what is read -----------------------------------------------------------------------------------------------------


class Busy:
    """A file that somebody writes to while it is cut: `act` runs once each time that it is read."""

    def __init__(self, monkeypatch, where, act, times):
        self.cut, self.where, self.act, self.left = transfer.cut, str(where), act, times
        monkeypatch.setattr(transfer, "cut", self)

    def __call__(self, stream):
        if self.left and str(stream.name) == self.where:
            self.left -= 1
            self.act()
        return self.cut(stream)


def grow(where):
    with where.open("ab") as file:
        file.write(b"more")


def rewrite(where):
    """The same size, and the time set back, as some tools do."""
    where.write_bytes(noise(where.stat().st_size))
    os.utime(where, (5, 5))


def shrink(where):
    os.truncate(where, where.stat().st_size - 1)


@pytest.mark.parametrize("act", [grow, rewrite, shrink])
def test_a_file_that_does_not_keep_still_is_left_out_and_named(files, tmp_path, monkeypatch, act):
    for name in ("a", "b", "c"):
        write(tmp_path / "d" / name, name.encode() * 5000)
    busy = tmp_path / "d" / "b"
    Busy(monkeypatch, busy, lambda: act(busy), 99)
    result = transfer.put(files, tmp_path / "d", None, NOW_MS)
    ((path, reason),) = result.skipped
    assert path == "d/b"
    assert "changed while it was read" in reason
    assert [file.path for file in files.list()] == ["d/a", "d/c"]


def test_a_file_that_changed_once_is_read_again(files, tmp_path, monkeypatch):
    busy = write(tmp_path / "b", b"b" * 5000)
    Busy(monkeypatch, busy, lambda: grow(busy), 1)
    transfer.put(files, busy, None, NOW_MS)
    assert files.get("b").entry.size == 5004
    busy.write_bytes(b"c")
    Busy(monkeypatch, busy, lambda: grow(busy), 99)
    with pytest.raises(UsageError, match="changed while it was read"):
        transfer.put(files, busy, None, NOW_MS + 1)


def test_a_file_that_grows_without_end_ends(files, tmp_path, monkeypatch):
    busy = write(tmp_path / "b", b"b" * 5000)
    reads = []

    class Endless:
        def __init__(self, stream):
            self.name, self._stream = stream.name, stream

        def __getattr__(self, name):
            return getattr(self._stream, name)

    whole = transfer.open_regular

    def growing(where, folder=None):
        stream = whole(where, folder)
        read = stream.readinto

        def readinto(into):
            reads.append(len(into))
            grow(busy)
            return read(into)

        endless = Endless(stream)
        endless.readinto = readinto
        endless.__enter__ = lambda: endless
        return _Context(endless, stream)

    monkeypatch.setattr(transfer, "open_regular", growing)
    with pytest.raises(UsageError, match="changed while it was read"):
        transfer.put(files, busy, None, NOW_MS)
    assert sum(reads) <= 2 * 5100


class _Context:
    def __init__(self, inner, stream):
        self._inner, self._stream = inner, stream

    def __enter__(self):
        return self._inner

    def __exit__(self, *_exc):
        self._stream.close()


def test_what_vanishes_or_becomes_a_pipe_is_named(files, tmp_path, monkeypatch):
    folder = tmp_path / "d"
    for name in ("a", "b", "c", "d"):
        write(folder / name, name.encode())
    walk = transfer.walk

    def then_changed(where, target):
        found = walk(where, target)
        (folder / "b").unlink()
        (folder / "c").unlink()
        os.mkfifo(folder / "c")
        return found

    monkeypatch.setattr(transfer, "walk", then_changed)
    result = transfer.put(files, folder, None, NOW_MS)
    assert [path for path, _ in result.skipped] == ["d/b", "d/c"]
    assert [file.path for file in files.list()] == ["d/a", "d/d"]


def test_a_folder_that_may_be_listed_and_not_entered(files, tmp_path, monkeypatch):
    write(tmp_path / "d" / "first", b"1")
    write(tmp_path / "d" / "locked" / "x", b"2")
    write(tmp_path / "d" / "z", b"3")
    scandir = os.scandir

    class Locked:
        def __init__(self, item):
            self.name, self.path = item.name, item.path

        def stat(self, **_more):
            raise PermissionError(errno.EACCES, "Permission denied")

    def guarded(folder):
        items = list(scandir(folder))
        return [Locked(item) for item in items] if str(folder).endswith("locked") else items

    monkeypatch.setattr(os, "scandir", guarded)
    result = transfer.put(files, tmp_path / "d", None, NOW_MS)
    assert result.skipped == [("d/locked/x", "it cannot be read: Permission denied")]
    assert [file.path for file in files.list()] == ["d/first", "d/z"]


def test_empty_folders_and_odd_names_are_named(files, tmp_path):
    folder = tmp_path / "d"
    write(folder / "a", b"1")
    (folder / "empty" / "deeper").mkdir(parents=True)
    write(folder / "a\nline", b"2")
    os.mkdir(os.fsencode(folder) + b"/\xff")
    os.close(os.open(os.fsencode(folder) + b"/\xff/in", os.O_CREAT))
    deep = folder
    for _ in range(70):
        deep = deep / "x"
    write(deep / "far", b"3")
    result = transfer.put(files, folder, None, NOW_MS)
    named = dict(result.skipped)
    assert "empty folder" in named["d/empty/deeper"]
    assert "control character" in named["d/a\nline"]
    assert len(named) == 4
    assert [file.path for file in files.list()] == ["d/a"]


@pytest.mark.parametrize("seconds", [-1, -200_000_000])
def test_a_time_before_1970_is_said(files, tmp_path, seconds):
    old = write(tmp_path / "old", b"1")
    os.utime(old, (seconds, seconds))
    result = transfer.put(files, old, None, NOW_MS)
    assert [path for path, _ in result.notes] == ["old"]
    assert "1970" in result.notes[0][1]
    assert files.get("old").entry.modified_at == 0


def test_times_far_ahead(files, tmp_path):
    entry = Entry("x", 0o644, cids.make(cids.RAW, crypto.blake3_digest(b"1")), 2**64 - 1, 1, b"1")
    files.kv.put(b"fs/x", entry.encode(), NOW_MS)
    result = transfer.get(files, "x", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"1"
    assert result.problems == []


def test_hard_links(files, tmp_path):
    write(tmp_path / "d" / "a", b"one")
    os.link(tmp_path / "d" / "a", tmp_path / "d" / "b")
    places = Places()
    assert transfer.put(files, tmp_path / "d", None, NOW_MS, places=places).written == 2
    os.link(tmp_path / "d" / "a", tmp_path / "elsewhere")
    put_text(files, "d/a", b"two")
    put_text(files, "d/b", b"three")
    transfer.get(files, "d", tmp_path, places=places)
    assert tree_of(tmp_path) == {"d/a": b"two", "d/b": b"three", "elsewhere": b"one"}


# -- what is never put ------------------------------------------------------------------------------------------------


def data_directory(folder, *, database=True):
    directory = datadir.DataDir(folder)
    directory.seed()
    DirectoryLock(directory.lock).release()
    if database:
        SqliteStorage(directory.database).close()
    return folder


def test_data_directories_are_never_put(files, tmp_path):
    home = tmp_path / "home"
    write(home / "letter", b"1")
    own = data_directory(home / ".local" / "share" / "lattice-nano")
    data_directory(home / "other", database=False)
    without_key = data_directory(home / "damaged")
    (without_key / "identity.key").unlink()
    write(home / "backup" / "identity.key", bytes(32))
    write(home / "backup" / "note", b"2")
    write(home / "copy", files.node.identity.seed)
    result = transfer.put(files, home, None, NOW_MS)
    assert [file.path for file in files.list()] == ["home/backup/note", "home/letter"]
    left = {path for path, _ in result.skipped}
    assert left == {
        "home/.local/share/lattice-nano",
        "home/other",
        "home/damaged",
        "home/backup/identity.key",
        "home/copy",
    }
    (tmp_path / "link").symlink_to(own)
    for source in (own, tmp_path / "link", own / "identity.key", own / "node.db", home / "backup" / "identity.key"):
        with pytest.raises(UsageError, match="never put"):
            transfer.put(files, source, "x", NOW_MS)
    with pytest.raises(UsageError, match="secret identity"):
        transfer.put(files, home / "copy", "x", NOW_MS)
    assert len(list(files.list())) == 2


def test_nothing_is_written_into_a_data_directory(files, tmp_path):
    own = data_directory(tmp_path / "data")
    put_text(files, "identity.key", b"x" * 32)
    put_text(files, "data/identity.key", b"x" * 32)
    before = tree_of(own)
    with pytest.raises(UsageError, match="data directory"):
        transfer.get(files, "identity.key", own, force=True)
    result = transfer.get(files, "data", tmp_path, force=True)
    assert "data directory" in result.problems[0][1]
    assert tree_of(own) == before


def test_a_destination_that_cannot_be(files, tmp_path):
    put_text(files, "d/a", b"1")
    write(tmp_path / "file", b"2")
    with pytest.raises(UsageError, match="cannot be made"):
        transfer.get(files, "d/a", tmp_path / "file" / "below" / "a")
    with pytest.raises(UsageError, match="is a file"):
        transfer.get(files, "d", tmp_path / "file" / "below")
    assert tree_of(tmp_path) == {"file": b"2"}

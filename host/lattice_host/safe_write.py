"""Writing below one folder and nowhere else, each file whole or not at all.

Every component is opened relative to the one before without following symbolic links, so a link that lies in the
destination cannot lead out of it. Content goes to a temporary file beside the target, is synced, and renamed.

One `Destination` writes each file of the disk once. Whether two names are one there (upper and lower case, forms of
accents, dots at the end) only the disk can tell, so a name is looked up in the list of what stands there: one that the
disk finds though it is not in the list is another one's. (Inodes alone do not say it: exFAT in user space gives one
file two.) A temporary file that a killed process left is removed when the next one writes into its folder.

What a disk cannot do, keep permission bits, keep times, promise that a name is durable, is no error: it is noted in
`wishes`, once, and the content is there.
"""

import errno
import os
import re
import secrets
import stat
import time
import unicodedata
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from lattice_core.errors import UsageError

from .datadir import is_data_directory, node_above
from .disks import fold, open_regular

MODES = "this disk does not keep permission bits: what is on it has those that it gives to every file"
TIMES = "this disk does not keep these times: some files have another time on it than in the store"
DURABLE = "this disk does not tell when a file is safe on it: eject it before you unplug it"

_OF_A_NODE = "%s is the data directory of a node: nothing is written there"
_TEMPORARY = ".lattice-"
_TEMPORARY_NAME = re.compile(r"\.lattice-[0-9a-f]{16}")
_LEFT_BEHIND_S = 600  # a temporary file that is being written changes all the time
_DEFAULT_MODE = 0o644  # of an entry that names none
_TIME_STEP_NS = 2_000_000_000  # FAT keeps even seconds
_LATEST_MS = 253402300799999  # the year 9999
_BROKEN = (errno.EIO, errno.ENOSPC, errno.EDQUOT)  # the disk failed; whatever else it answers, it does not want to
# What disks answer to a name that they forbid. "Not found", too: exFAT in user space.
_BAD_NAME = (errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG, errno.ENOENT)
_RESERVE_BYTES = 1 << 20  # left free on a disk, or a sixteenth of what is free on a small one


@dataclass
class Standing:
    """What stands at a path: `name`, what the disk calls its last part, and its status, not following a link."""

    name: str
    status: os.stat_result

    def is_file(self) -> bool:
        return stat.S_ISREG(self.status.st_mode)

    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)


class _Listing:
    """The names in a folder, and which of them may be one to a disk."""

    def __init__(self, names: Iterable[str]):
        self.names: set[str] = set()
        self._alike: dict[str, list[str]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        if name not in self.names:
            self.names.add(name)
            self._alike.setdefault(fold(name), []).append(name)

    def alike(self, name: str) -> list[str]:
        return self._alike.get(fold(name), [])


class Destination:
    """A folder to write into; made when it is absent. Paths are relative to it, their parts joined by "/"."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.wishes: list[str] = []
        self._touched: dict[str, set[str]] = {}  # folder below -> names written into it
        self._listed: dict[str, _Listing] = {}  # folder below -> names in it
        self._asked: tuple[str, Path] | None = None  # the last path that was looked up
        self._written: dict[str, str] = {}  # as the disk calls it -> path as given, of files and their folders
        self._inodes: dict[tuple[int, int], str] = {}
        self._looked_at: set[Path] = set()  # folders that are no node's data directory
        self._umask = os.umask(0)
        os.umask(self._umask)
        above = node_above(self.folder)
        if above is not None:
            raise UsageError(_OF_A_NODE % above)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise UsageError("%s is a file: name a folder to write into" % folder, "exists") from None
        except OSError as error:
            raise UsageError("%s cannot be made: %s" % (folder, error.strerror)) from None
        self.folder = Path(os.path.realpath(self.folder))

    # -- looking --------------------------------------------------------------------------------------------------

    def place(self, path: str) -> Path:
        """Where a path lies on the disk, in the names that the disk has for it."""
        if self._asked is not None and self._asked[0] == path:
            return self._asked[1]
        where = ""
        for name in path.split("/"):
            found = self._called(where, name)
            where = _joined(where, name if found is None else found)
        self._asked = (path, self.folder / where)
        return self._asked[1]

    def standing(self, path: str) -> Standing | None:
        """What stands at a path, None when nothing does. OSError when it cannot be looked at."""
        try:
            where = self.place(path)
            return Standing(where.name, os.lstat(where))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, path: str) -> BufferedReader:
        """A file that stands there, for reading."""
        where = self.place(path)
        parent = self._enter(str(where.parent.relative_to(self.folder)), make=False)
        try:
            return open_regular(where.name, parent)
        finally:
            os.close(parent)

    def remove(self, path: str) -> None:
        """Removes a file or an empty folder."""
        where = self.place(path)
        below = str(where.parent.relative_to(self.folder))
        parent = self._enter(below, make=False)
        try:
            if stat.S_ISDIR(os.stat(where.name, dir_fd=parent, follow_symlinks=False).st_mode):
                os.rmdir(where.name, dir_fd=parent)
            else:
                os.unlink(where.name, dir_fd=parent)
        finally:
            os.close(parent)
        self._listed.pop("" if below == "." else below, None)
        self._asked = None

    def _names(self, where: str, again: bool = False) -> "_Listing":
        """The names in a folder below. Empty when there is none."""
        if again or where not in self._listed:
            try:
                self._listed[where] = _Listing(os.listdir(self.folder / where))
            except OSError:
                self._listed[where] = _Listing([])
            self._asked = None
        return self._listed[where]

    def _called(self, where: str, name: str) -> str | None:
        """What the disk calls `name` in the folder `where`; None when nothing is called so there."""
        if name in self._names(where).names:
            return name
        try:
            os.lstat(self.folder / where / name)
        except OSError:
            # Another form of the accents, that no `get` of this object wrote, is the same file to its user.
            same = [other for other in self._names(where).alike(name) if _composed(other) == _composed(name)]
            return same[0] if same and _joined(where, same[0]) not in self._written else None
        if name in self._names(where, again=True).names:
            return name
        alike = self._names(where).alike(name)
        return alike[0] if alike else name

    def _check_unwritten(self, path: str, where: Path, is_folder: bool) -> None:
        """OSError when the place is one that this object wrote: a folder under another name, a file under any."""
        twin = self._written.get(self._relative(where))
        if twin is None:
            try:
                status = os.stat(where, follow_symlinks=False)
            except OSError:
                return
            twin = self._inodes.get((status.st_dev, status.st_ino))
        if twin is not None and not (is_folder and twin == path):
            raise FileExistsError(errno.EEXIST, 'it would replace "%s", which has the same name on this disk' % twin)

    def check(self, path: str) -> None:
        """OSError when the path, or a folder on the way to it, leads to what this object wrote under another name, or
        into the data directory of a node."""
        where = self.place(path)
        self._check_no_node(where.parent)
        names, called = path.split("/"), self._relative(where).split("/")
        for depth in range(1, len(names) + 1):
            there = self.folder.joinpath(*called[:depth])
            self._check_unwritten("/".join(names[:depth]), there, depth < len(names))

    def _check_no_node(self, folder: Path) -> None:
        if folder in self._looked_at:
            return
        if folder != self.folder:
            self._check_no_node(folder.parent)
            if is_data_directory(folder):
                raise OSError(errno.EPERM, _OF_A_NODE % folder)
        self._looked_at.add(folder)

    def keep(self, path: str) -> None:
        """What stands at a path is right: no other name may lead to it."""
        where = self.place(path)
        status = os.lstat(where)
        self._take(path, where, status)
        self._touched.setdefault(self._below(where), set())

    def _relative(self, where: Path) -> str:
        """A place in the destination, relative to it. (`Path.relative_to` costs a tenth of a `get` of small files.)"""
        return str(where)[len(str(self.folder).rstrip("/")) + 1 :]

    def _below(self, where: Path) -> str:
        """The folder of a place, relative to the destination."""
        return "" if where.parent == self.folder else where.parent.relative_to(self.folder).as_posix()

    def _take(self, path: str, where: Path, status: os.stat_result) -> None:
        """Notes that a file, and the folders on the way to it, are these names'."""
        names, called = path.split("/"), self._relative(where).split("/")
        for depth in range(1, len(names) + 1):
            self._written["/".join(called[:depth])] = "/".join(names[:depth])
            self._names("/".join(called[: depth - 1])).add(called[depth - 1])
        self._asked = None
        self._inodes[status.st_dev, status.st_ino] = path

    # -- writing --------------------------------------------------------------------------------------------------

    def writing(
        self,
        path: str,
        pieces: Iterable[bytes],
        mode: int,
        modified_at_ms: int,
        size: int = 0,
        over: os.stat_result | None = None,
    ) -> Generator[int, None, Path]:
        """Writes `path` (already checked by `tree.unsafe`); yields the size of each piece once it is written.

        OSError when the disk refuses, has no room for `size` bytes, or when the name leads to a file that this object
        wrote; nothing is left behind then, nor when this is closed. An error of `pieces` passes through the same way.
        `over`: what stood there when it was decided to replace it."""
        names = path.split("/")
        if is_temporary(names[-1]):
            raise OSError(errno.EINVAL, "its name is one of those that unfinished files have")
        self.check(path)
        where = self.place(path)
        below = self._below(where)
        parent = self._enter(below, make=True)
        try:
            self._check_room(parent, size)
            status = yield from self._write_at(parent, where.name, pieces, mode, modified_at_ms, over)
        finally:
            os.close(parent)
        self._take(path, where, status)
        self._touched.setdefault(below, set()).add(where.name)
        return where

    def _write_at(
        self,
        parent: int,
        name: str,
        pieces: Iterable[bytes],
        mode: int,
        modified_at_ms: int,
        over: os.stat_result | None,
    ) -> Generator[int, None, os.stat_result]:
        temporary = _TEMPORARY + secrets.token_hex(8)
        wanted = (mode & 0o777 or _DEFAULT_MODE) & ~self._umask
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(temporary, flags, wanted, dir_fd=parent)
        try:
            status = yield from self._fill(handle, pieces, wanted, modified_at_ms)
            _check_same(parent, name, over)
            try:
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            except OSError as error:
                raise _explained(error, name) from None
            return status
        except BaseException:
            os.unlink(temporary, dir_fd=parent)
            raise

    def _fill(
        self, handle: int, pieces: Iterable[bytes], mode: int, modified_at_ms: int
    ) -> Generator[int, None, os.stat_result]:
        """Writes and syncs a file, closes it. Returns what it is on the disk."""
        with os.fdopen(handle, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
                yield len(piece)
            stream.flush()
            if stat.S_IMODE(os.fstat(handle).st_mode) != mode:
                self._wish(MODES, lambda: os.fchmod(handle, mode))
            time_ns = min(modified_at_ms, _LATEST_MS) * 1_000_000
            self._wish(TIMES, lambda: os.utime(handle, ns=(time_ns, time_ns)))
            self._wish(DURABLE, lambda: os.fsync(handle))
            status = os.fstat(handle)
        if stat.S_IMODE(status.st_mode) != mode:
            self._note(MODES)
        if abs(status.st_mtime_ns - time_ns) > _TIME_STEP_NS:
            self._note(TIMES)
        return status

    def set_mode(self, path: str, mode: int) -> None:
        """The permission bits of a file whose content is right already."""
        wanted = (mode & 0o777 or _DEFAULT_MODE) & ~self._umask
        with self.open(path) as stream:
            if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) != wanted:
                self._wish(MODES, lambda: os.fchmod(stream.fileno(), wanted))
                if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) != wanted:
                    self._note(MODES)

    def _wish(self, text: str, act) -> None:
        """Does what not every disk can do. OSError only when the disk is broken."""
        try:
            act()
        except (OSError, NotImplementedError, AttributeError, OverflowError) as error:
            if isinstance(error, OSError) and error.errno in _BROKEN:
                raise
            self._note(text)

    def _note(self, text: str) -> None:
        if text not in self.wishes:
            self.wishes.append(text)

    def _check_room(self, parent: int, size: int) -> None:
        """OSError when `size` bytes do not fit, or would leave next to nothing."""
        try:
            disk = os.fstatvfs(parent)
        except OSError:
            return
        free = disk.f_bavail * disk.f_frsize
        if disk.f_blocks and size > free - min(_RESERVE_BYTES, free // 16):
            raise OSError(errno.ENOSPC, "it has %s, and %s are free on this disk" % (_bytes(size), _bytes(free)))

    def _enter(self, below: str, make: bool) -> int:
        """Opens a folder below, following no link on the way. With `make`: one that is absent is made."""
        parent = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for name in below.split("/") if below not in ("", ".") else ():
                child = _open_folder(parent, name, make)
                os.close(parent)
                parent = child
        except BaseException:
            os.close(parent)
            raise
        return parent

    def sync(self) -> dict[str, str]:
        """Makes the names durable too, and removes what killed processes left. Called once at the end: a sync of each
        folder for each file costs as much again as the files. Returns {name as written: name that the disk gave it}
        where these differ, both below the destination."""
        renamed = {}
        for below, names in self._touched.items():
            folder = self.folder / below
            _sweep(folder)
            self._wish(DURABLE, lambda folder=folder: _sync_folder(folder))
            present = self._names(below, again=True)
            for name in names - present.names:
                alike = present.alike(name)
                if len(alike) == 1:
                    renamed[_joined(below, name)] = _joined(below, alike[0])
        self._touched.clear()
        return renamed


def _open_folder(parent: int, name: str, make: bool) -> int:
    if make:
        try:
            os.mkdir(name, dir_fd=parent)
        except FileExistsError:
            pass
        except OSError as error:
            raise _explained(error, name) from None
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise NotADirectoryError(error.errno, '"%s" is a link, or no folder' % name) from None
        raise


def _check_same(parent: int, name: str, over: os.stat_result | None) -> None:
    """OSError when something else stands there now than when it was decided what happens to it."""
    try:
        now = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except OSError:
        return
    if over is None or (now.st_mtime_ns, now.st_size) != (over.st_mtime_ns, over.st_size):
        raise FileExistsError(errno.EEXIST, "it was changed on the disk meanwhile")


def _explained(error: OSError, name: str) -> OSError:
    if error.errno in _BAD_NAME:
        return OSError(error.errno, 'this disk takes no file of the name "%s" (%s)' % (name, error.strerror))
    return error


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _joined(folder: str, name: str) -> str:
    return "%s/%s" % (folder, name) if folder else name


def _bytes(count: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if count < 10240:
            return "%d %s" % (count, unit)
        count //= 1024
    return "%d GiB" % count


def is_temporary(name: str) -> bool:
    """True for the names that this module gives to unfinished files."""
    return _TEMPORARY_NAME.fullmatch(name) is not None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Removes temporary files that nobody writes any more. What cannot be removed stays: the next `get` tries again."""
    try:
        left = [item for item in os.scandir(folder) if is_temporary(item.name)]
    except OSError:
        return
    for item in left:
        try:
            status = item.stat(follow_symlinks=False)
            # The time of change says when it was written even if its own time has been set.
            idle_s = time.time() - max(status.st_ctime, status.st_mtime)
            if stat.S_ISREG(status.st_mode) and idle_s > _LEFT_BEHIND_S:
                os.unlink(item.path)
        except OSError:
            continue

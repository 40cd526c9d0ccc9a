"""Writing below one folder and nowhere else, each file whole or not at all.

Every component is opened relative to the one before without following symbolic links, so a link that lies in the
destination cannot lead out of it. Content goes to a temporary file beside the target, is synced, and renamed.

One `Destination` writes each file of the disk once: whether two names are one there (upper and lower case, forms of
accents) only the disk can tell, so what a name leads to is compared with what was written. A temporary file that a
killed process left is removed when the next one writes into its folder.
"""

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable
from pathlib import Path

from lattice_core.errors import UsageError

_TEMPORARY = ".lattice-"
_TEMPORARY_NAME = re.compile(r"\.lattice-[0-9a-f]{16}")
_LEFT_BEHIND_S = 600  # a temporary file that is being written changes all the time
_HAS_DIR_FD = os.open in os.supports_dir_fd and os.mkdir in os.supports_dir_fd and os.rename in os.supports_dir_fd
_WINDOWS_FORBIDDEN = set('<>:"|?*')


class Destination:
    """A folder to write into; made when it is absent."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._touched: set[Path] = set()
        self._written: dict[tuple[int, int], str] = {}  # (device, inode) -> path as given
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError("%s cannot be made: %s" % (folder, error.strerror)) from None

    def write(self, path: str, pieces: Iterable[bytes], mode: int, modified_at_ms: int) -> Path:
        """Writes `path` (already checked by `tree.unsafe`). OSError when the disk refuses, or when the name leads to a
        file that this object wrote; nothing is left behind then. An error of `pieces` passes through the same way."""
        names = path.split("/")
        if is_temporary(names[-1]):
            raise OSError(errno.EINVAL, "its name is one of those that unfinished files have")
        if os.name == "nt":
            _check_windows(names)
        write = self._write_at if _HAS_DIR_FD else self._write_by_path
        status = write(names, pieces, mode, modified_at_ms)
        self._written[status.st_dev, status.st_ino] = path
        where = self.folder.joinpath(*names)
        self._touched.add(where.parent)
        return where

    def sync(self) -> None:
        """Makes the names durable too, and removes what killed processes left. Called once at the end: a sync of each
        folder for each file costs as much again as the files."""
        for folder in self._touched:
            _sweep(folder)
        for folder in self._touched if _HAS_DIR_FD else ():
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        self._touched.clear()

    def _check_unwritten(self, name: str, folder: int | None) -> None:
        """OSError when `name` (in the open `folder`) is a file that was written already."""
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        twin = self._written.get((status.st_dev, status.st_ino))
        if twin is not None:
            raise FileExistsError(errno.EEXIST, 'it would replace "%s", which has the same name on this disk' % twin)

    def _write_at(self, names: list[str], pieces: Iterable[bytes], mode: int, modified_at_ms: int) -> os.stat_result:
        parent = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name in names[:-1]:
                parent = _enter(parent, name)
            self._check_unwritten(names[-1], parent)
            temporary = _TEMPORARY + secrets.token_hex(8)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            handle = os.open(temporary, flags, 0o600, dir_fd=parent)
            try:
                status = _fill(handle, pieces, mode, modified_at_ms)
                os.rename(temporary, names[-1], src_dir_fd=parent, dst_dir_fd=parent)
                return status
            except BaseException:
                os.unlink(temporary, dir_fd=parent)
                raise
        finally:
            os.close(parent)

    def _write_by_path(
        self, names: list[str], pieces: Iterable[bytes], mode: int, modified_at_ms: int
    ) -> os.stat_result:
        parent = self.folder
        for name in names[:-1]:
            parent = parent / name
            parent.mkdir(exist_ok=True)
            if (
                not stat.S_ISDIR(os.lstat(parent).st_mode)
                or parent.resolve() != parent.absolute().parent.resolve() / name
            ):
                raise NotADirectoryError(20, "%s is a link, or no folder" % parent)
        self._check_unwritten(str(parent / names[-1]), None)
        temporary = parent / (_TEMPORARY + secrets.token_hex(8))
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            status = _fill(handle, pieces, mode, modified_at_ms)
            os.replace(temporary, parent / names[-1])
            return status
        except BaseException:
            os.unlink(temporary)
            raise


def _enter(parent: int, name: str) -> int:
    """Opens the folder `name` in `parent`, made when absent, and closes `parent`."""
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        pass
    try:
        child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        raise NotADirectoryError(error.errno, "%s is a link, or no folder" % name) from None
    os.close(parent)
    return child


def is_temporary(name: str) -> bool:
    """True for the names that this module gives to unfinished files."""
    return _TEMPORARY_NAME.fullmatch(name) is not None


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


def _fill(handle: int, pieces: Iterable[bytes], mode: int, modified_at_ms: int) -> os.stat_result:
    """Writes and syncs a file, closes it. Returns what it is on the disk."""
    with os.fdopen(handle, "wb") as stream:
        for piece in pieces:
            stream.write(piece)
        stream.flush()
        if hasattr(os, "fchmod"):
            os.fchmod(stream.fileno(), mode)
        if os.utime in os.supports_fd:
            seconds = min(modified_at_ms, 253402300799999)
            os.utime(stream.fileno(), ns=(seconds * 1_000_000, seconds * 1_000_000))
        os.fsync(stream.fileno())
        return os.fstat(stream.fileno())


def _check_windows(names: list[str]) -> None:
    for name in names:
        if _WINDOWS_FORBIDDEN.intersection(name) or name.endswith((" ", ".")):
            raise OSError(22, "%s cannot be a name on this system" % name)

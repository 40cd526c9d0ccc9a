"""One process a data directory: a lock that the system takes back when its holder ends, however it ends.

On a disk that cannot be written the file is locked all the same (or the directory, where there is none), without the
name of its holder.
"""

import errno
import fcntl
import os
import time

from lattice_core.errors import StorageError

_POLL_S = 0.05


class DirectoryLock:
    """Held from creation to `release`. StorageError names the holder."""

    def __init__(self, path, wait_s=0.0):
        self._descriptor = _opened(path)
        until = time.monotonic() + wait_s
        while not self._try():
            if time.monotonic() >= until:
                holder = _holder(self._descriptor)
                os.close(self._descriptor)
                raise StorageError(
                    "the data directory %s is in use by %s; wait for it to end, or choose another with --data"
                    % (os.path.dirname(path), holder or "another process"),
                    "in_use",
                )
            time.sleep(_POLL_S)
        self._note("process %d (%s)\n" % (os.getpid(), _command()))

    def _try(self):
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _note(self, text):
        """Writes down the holder, where the disk takes that: the lock itself holds without it."""
        try:
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, text.encode())
        except OSError:
            pass

    def release(self):
        self._note("")
        os.close(self._descriptor)


def holder_of(path) -> str | None:
    """Who holds the lock, in words; None when nobody does, or nobody can say."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor) or "another process"
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _opened(path):
    for name, flags in ((path, os.O_RDWR | os.O_CREAT), (path, os.O_RDONLY), (os.path.dirname(path), os.O_RDONLY)):
        try:
            return os.open(name, flags | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in (errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT, errno.ENOENT):
                raise StorageError("the lock %s cannot be opened (%s)" % (path, error.strerror), "no_access") from error
            reason = error.strerror
    raise StorageError("the lock %s cannot be opened (%s)" % (path, reason), "no_access")


def _holder(descriptor):
    try:
        return os.read(descriptor, 200).decode("utf-8", "replace").strip()
    except OSError:  # a directory
        return ""


def _command():
    """What a user would recognise: the verb, not its arguments (a token is a secret)."""
    try:
        with open("/proc/self/cmdline", "rb") as file:
            words = file.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return "lattice-host"
    verbs = [word for word in words[1:] if word.isalpha()][:2]
    return " ".join(["lattice-host", *verbs])

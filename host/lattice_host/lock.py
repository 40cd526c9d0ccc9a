"""One process a data directory: a lock that the system takes back when its holder ends, however it ends."""

import fcntl
import os
import time

from lattice_core.errors import StorageError

_POLL_S = 0.05


class DirectoryLock:
    """Held from creation to `release`. StorageError names the holder."""

    def __init__(self, path, wait_s=0.0):
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError("the lock %s cannot be opened (%s)" % (path, error.strerror)) from error
        until = time.monotonic() + wait_s
        while not self._try():
            if time.monotonic() >= until:
                holder = os.read(self._descriptor, 200).decode("utf-8", "replace").strip()
                os.close(self._descriptor)
                raise StorageError(
                    "the data directory %s is in use by %s; wait for it to end, or choose another with --data"
                    % (os.path.dirname(path), holder or "another process")
                )
            time.sleep(_POLL_S)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, ("process %d (%s)\n" % (os.getpid(), _command())).encode())

    def _try(self):
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self):
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def _command():
    """What a user would recognise: the verb, not its arguments (a token is a secret)."""
    try:
        with open("/proc/self/cmdline", "rb") as file:
            words = file.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return "lattice-host"
    verbs = [word for word in words[1:] if word.isalpha()][:2]
    return " ".join(["lattice-host", *verbs])

"""An open serial port or pty: raw bytes both ways, never waiting. One process at a time."""

import errno
import fcntl
import os
import termios

from lattice_core.errors import LatticeError

from .ports import why_not

_READ_BYTES = 65536
_GONE = (errno.EIO, errno.ENXIO, errno.ENODEV, errno.EBADF)


class PortError(LatticeError):
    """The port could not be opened; the text says why. `absent`: it is not there (now)."""

    code = "port"

    def __init__(self, text, absent):
        super().__init__(text)
        self.absent = absent


class PortLost(LatticeError):
    """The port went away while it was open: the stick was pulled."""

    code = "port_lost"


class Port:
    def __init__(self, path):
        self.path = path
        try:
            self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _refused(path, error) from error
        try:
            # flock keeps out who asks for it (pyserial, another of us), TIOCEXCL everybody but root. A pty keeps the
            # latter beyond our close, so it gets only the former.
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.realpath(path).startswith("/dev/pts/"):
                fcntl.ioctl(self.descriptor, termios.TIOCEXCL)
            _set_raw(self.descriptor)
        except (OSError, termios.error) as error:
            os.close(self.descriptor)
            if isinstance(error, termios.error):
                error = OSError(*error.args)
            raise _refused(path, error) from error

    def fileno(self):
        return self.descriptor

    def read(self):
        """What is there, b"" when nothing is. PortLost when the port is gone."""
        try:
            data = os.read(self.descriptor, _READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lost(error) from error
        if not data:
            raise PortLost("%s is gone: the stick was pulled, or its cable is loose" % self.path)
        return data

    def write(self, data):
        """Writes what the port takes now; returns how many bytes."""
        try:
            return os.write(self.descriptor, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._lost(error) from error

    def _lost(self, error):
        if error.errno in _GONE:
            return PortLost("%s is gone: the stick was pulled, or its cable is loose" % self.path)
        return PortLost("%s failed: %s" % (self.path, error.strerror))

    def close(self):
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _refused(path, error):
    return PortError(why_not(path, error), error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO))


def _set_raw(descriptor):
    """Every byte as it is, both ways; no echo, no signals; modem lines are ignored."""
    mode = termios.tcgetattr(descriptor)
    mode[0] = 0
    mode[1] = 0
    kept = mode[2] & ~(termios.CSIZE | termios.PARENB | termios.CSTOPB)
    mode[2] = kept | termios.CS8 | termios.CREAD | termios.CLOCAL
    mode[3] = 0
    mode[6][termios.VMIN] = 1
    mode[6][termios.VTIME] = 0
    termios.tcsetattr(descriptor, termios.TCSANOW, mode)
    termios.tcflush(descriptor, termios.TCIFLUSH)

"""Which serial port: `auto`, candidates, and why a port may not be opened, in words."""

import errno
import grp
import os
import pathlib
import stat

from serial.tools import list_ports

from lattice_core.errors import UsageError

AUTO = "auto"
_USB_IDS = ((0x2E8A, None),)  # Raspberry Pi: MicroPython's and our own product ids on RP2350 boards


def candidates(known=()):
    """Paths of ports that may be sticks: USB boards of the known makers, then ports where a stick was seen before."""
    found = []
    for port in list_ports.comports():
        if any(port.vid == vendor and product in (None, port.pid) for vendor, product in _USB_IDS):
            found.append(port.device)
    for path in known:
        if path not in found and os.path.exists(path):
            found.append(path)
    return found


def chosen(text, known=()):
    """The port that the user means. UsageError lists what there is when `auto` is not one."""
    if text != AUTO:
        return text
    found = candidates(known)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError("several ports may be a stick: %s; name the one you mean" % ", ".join(found), "ambiguous")
    others = [port.device for port in list_ports.comports() if port.vid is not None]
    if others:
        raise UsageError(
            "no stick found. Other USB serial ports: %s; name one if it is a stick" % ", ".join(others), "no_stick"
        )
    raise UsageError("no stick found on any USB port; is it plugged in, with a cable that carries data?", "no_stick")


def why_not(path, error):
    """One sentence for an OSError on opening: what happened, the likely cause, the next step."""
    if error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return "there is no port %s; is the stick plugged in? `auto` looks for it" % path
    if error.errno in (errno.EACCES, errno.EPERM):
        return _why_no_permission(path)
    if error.errno in (errno.EBUSY, errno.EAGAIN):
        return "%s is in use%s; end that first%s" % (path, _by(users_of(path)), _modem_manager_hint(path))
    if error.errno == errno.EIO:
        return "%s does not answer (%s); the stick may just have been pulled" % (path, error.strerror)
    if error.errno == errno.EISDIR or os.path.isdir(path):
        return "%s is a folder and no serial port; `auto` looks for the stick" % path
    if error.errno in (errno.ENOTTY, errno.EINVAL):
        return "%s is not a serial port; `auto` looks for the stick" % path
    return "%s cannot be opened: %s" % (path, error.strerror)


def _why_no_permission(path):
    try:
        status = os.stat(path)
        group = grp.getgrgid(status.st_gid).gr_name
    except (OSError, KeyError):
        return "you may not open %s" % path
    if status.st_mode & stat.S_IRGRP and status.st_gid not in os.getgroups():
        return "%s belongs to the group %s and you are not in it: `sudo usermod -aG %s %s`, then log in again" % (
            path,
            group,
            group,
            os.environ.get("USER", "$USER"),
        )
    return "you may not open %s (mode %s); ask who administers this machine" % (path, stat.filemode(status.st_mode))


def users_of(path):
    """[(process id, name)] of other processes that have the port open, as far as /proc tells us."""
    real = os.path.realpath(path)
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        if int(entry.name) != os.getpid() and _has_open(entry, real):
            found.append((int(entry.name), _process_name(entry)))
    return found


def _has_open(process, real):
    try:
        descriptors = list((process / "fd").iterdir())
    except OSError:
        return False  # another user's process, or one that has just ended
    for descriptor in descriptors:
        try:
            if os.readlink(descriptor) == real:
                return True
        except OSError:
            continue
    return False


def _process_name(process):
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "?"


def _by(users):
    return "" if not users else " by " + ", ".join("%s (process %d)" % (name, number) for number, name in users)


def _modem_manager_hint(path):
    if any("modemmanager" in name.lower() for _, name in users_of(path)):
        return ". ModemManager looks at new ports for some seconds: wait, or see the udev rule in docs/commands.md"
    return ""

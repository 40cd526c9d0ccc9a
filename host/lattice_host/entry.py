"""Where the program begins: what must be right before anything else is imported, and the last net under all that runs.

No traceback reaches a person: what nothing else has caught becomes one sentence, and a file that can be sent to us.
"""

import contextlib
import os
import re
import signal
import sys

from . import complaints

_FAILED = 1
_INTERRUPTED = 130
_READER_GONE = 141
_SECRET = re.compile(r"[0-9A-Za-z+/_=-]{32,}|b(?:'[^']*'|\"[^\"]*\")")  # tokens, keys and seeds; bytes of any kind


def main():
    open_streams()
    _names_in_utf8()
    complaints.begin(sys.argv[1:])
    status = _INTERRUPTED
    try:
        status = _run()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is done: what is left is to say so
    except KeyboardInterrupt:
        pass
    except BaseException as error:  # noqa: BLE001 - the last net
        status = _FAILED
        complaints.fail(_reported(error), "internal")
    sys.exit(_finish(status))


def _run():
    """The exit status of the command line."""
    try:
        from .cli.app import app
        from .process import collect_rarely

        collect_rarely()
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else _FAILED
    return 0


# -- streams ------------------------------------------------------------------------------------------------------


def open_streams():
    """All three numbers are taken, and no character is too much for the two that are written to: the next file that is
    opened would else take the number of one that was closed, and messages would be written into the database. Output
    that was closed gets /dev/null; of input that was closed nobody can read nothing, also not by way of /dev/stdin."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            if number:
                os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            else:
                _nothing_to_read()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _nothing_to_read():
    import socket

    socket.socket(socket.AF_UNIX).detach()  # connected to nobody: it cannot be read, nor opened by a name


def _names_in_utf8():
    """Where the locale has another encoding for names, the program starts again with UTF-8: names of files and of
    everything else are UTF-8 here."""
    if sys.getfilesystemencoding().lower() not in ("utf-8", "utf8") and not sys.flags.utf8_mode:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def _finish(status):
    """Writes out what was printed. What cannot be written is said, and changes a good status."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = status or _READER_GONE
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        complaints.fail("what was printed could not be written (%s)" % why, "no_access")
        status = status or _FAILED
    _discard(sys.stdout)
    complaints.end()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    _discard(sys.stderr)
    return status


def _discard(stream):
    """What a stream could not write is not tried again, and complained about, when the interpreter ends."""
    try:
        number = stream.fileno()
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, number)
        os.close(sink)
    except (OSError, ValueError, AttributeError):
        pass


# -- what nobody expected -------------------------------------------------------------------------------------------


def _reported(error):
    """The sentence about an error that should not have come this far; the details go into a file."""
    import tempfile

    kind = "%s at %s" % (type(error).__name__, _place(error))
    try:
        descriptor, path = tempfile.mkstemp(prefix="lattice-host-", suffix=".report.txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(report(error, sys.argv))
    except OSError:
        return "an error of this program, not yours (%s); nothing acknowledged is lost" % kind
    return (
        "an error of this program, not yours (%s); nothing acknowledged is lost. Please report it with the file %s "
        "(it holds no keys, tokens or contents)" % (kind, path)
    )


def _place(error):
    """File and line where it happened."""
    trace = error.__traceback__
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return "%s:%d" % (os.path.basename(trace.tb_frame.f_code.co_filename), trace.tb_lineno)


def report(error, words):
    """What a developer needs: versions and the traceback, without arguments and long values."""
    import platform
    import sqlite3
    import traceback
    from importlib import metadata

    versions = []
    for name in ("lattice-host", "typer", "rich", "pynacl", "blake3"):
        try:
            versions.append("%s %s" % (name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            versions.append("%s (not installed)" % name)
    trace = "".join(traceback.format_exception(error))
    for word in words[1:]:
        if len(word) > 5:
            trace = trace.replace(word, "<argument>")
    return "\n".join(
        [
            "lattice-host report",
            "python %s, sqlite %s, %s" % (platform.python_version(), sqlite3.sqlite_version, platform.platform()),
            ", ".join(versions),
            "encoding: names %s, stdout %s" % (sys.getfilesystemencoding(), getattr(sys.stdout, "encoding", None)),
            "",
            _SECRET.sub("<...>", trace),
        ]
    )

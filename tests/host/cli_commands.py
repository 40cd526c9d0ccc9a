"""Every command of `lattice-host`, found by looking, with arguments that fit; and a process at the price of a fork."""

import os
import shutil
import sys
import tempfile

import typer.main

from lattice_host import entry
from lattice_host.cli import app


def leaves(command=None, path=()):
    """[(words, command)] of everything that can be run."""
    command = command or typer.main.get_command(app)
    inner = getattr(command, "commands", None)
    found = [(path, command)] if inner is None or command.invoke_without_command else []
    for name, one in sorted((inner or {}).items()):
        found += leaves(one, (*path, name))
    return found


def words_for(command, values):
    """The words for its required parameters. `values`: by metavar or name; what is not there gets a word."""
    words = []
    for parameter in command.params:
        if not parameter.required:
            continue
        value = values.get(parameter.metavar or "", values.get(parameter.name, "word"))
        if parameter.param_type_name == "option":
            words.append(parameter.opts[0])
        words.append(value)
    return words


class CommandRun:
    """One run: `status`, `out` and `err` (bytes), as a process of its own would have them."""

    def __init__(self, folder, words, prepare=None, encoding="utf-8", scratch=None, terminal=False):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                _child(["--data", str(folder), *words], out, err, prepare, encoding, scratch, terminal)
            self.status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            out.seek(0)
            err.seek(0)
            self.out, self.err = out.read(), err.read()


def _child(words, out, err, prepare, encoding, scratch, terminal):
    """Never returns. What the interpreter does at its start and end with the three streams is done here."""
    status = 99
    try:
        for number, file in ((0, None), (1, out), (2, err)):
            os.dup2(os.open(os.devnull, os.O_RDONLY) if file is None else file.fileno(), number)
        beside = os.path.dirname(words[1])
        os.chdir(beside if os.path.isdir(beside) else tempfile.gettempdir())  # a name is a place, too: `file get`
        os.environ["TMPDIR"] = tempfile.tempdir = scratch or beside
        if prepare is not None:
            prepare()
        sys.stdin, sys.stdout, sys.stderr = (_stream(number, encoding) for number in (0, 1, 2))
        if terminal:  # as far as the program can see; what it prints still goes where it is looked at
            sys.stdout.isatty = lambda: True
            os.environ["COLUMNS"] = "200"
        sys.argv = ["lattice-host", *[os.fsdecode(word) for word in words]]
        entry.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 98
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except (OSError, ValueError):
            status = 120
    except BaseException as error:  # noqa: BLE001 - the child ends here
        os.write(2, b"Traceback: %r" % error)
    finally:
        os._exit(status)


def _stream(number, encoding):
    try:
        os.fstat(number)
    except OSError:
        return None
    return open(number, "w" if number else "r", encoding=encoding, errors="strict", closefd=False)


def copied(folder, to):
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    return to

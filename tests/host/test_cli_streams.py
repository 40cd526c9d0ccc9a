"""Every command with streams, arguments and terminals as they are found in the wild: a sentence, never a traceback."""

import fcntl
import itertools
import os
import pty
import resource
import struct
import termios

import pytest

from host.cli_commands import CommandRun, copied, leaves, words_for
from host.cli_support import CommandLine
from lattice_host.cli.endings import READER_GONE

LEAVES = leaves()
NAMES = [" ".join(words) for words, _ in LEAVES]
STATUSES = (0, 1, 2, 3)
FEW = ((0,), (1,), (2,), (0, 1, 2))
EVERY = [numbers for count in (1, 2, 3) for numbers in itertools.combinations((0, 1, 2), count)]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A node that has something of everything, and values for the arguments of every command."""
    folder = tmp_path_factory.mktemp("world")
    laptop = CommandLine(folder / "laptop", "Grüße 漢字")
    laptop.run("store", "create", "notes")
    laptop.run("kv", "put", "Schlüssel", "Wert")
    file = folder / "Datei ä.txt"
    file.write_bytes(b"content" * 100)
    laptop.run("file", "put", file, "--as", "Datei ä.txt")
    token = laptop.json("invite")["token"]
    values = {
        "PORT": "/dev/null",
        "TOKEN": token,
        "PATH": str(file),
        "DEST": str(folder / "out"),
        "NAME": "Datei ä.txt",
        "NEW": "neu",
        "KEY": "Schlüssel",
        "VALUE": "Wert",
        "MEMBER": "Grüße 漢字",
        "name": "tagebücher",
    }
    return folder, values


def runs(world, words, command, **settings):
    folder, values = world
    data = copied(folder / "laptop", folder / "copy")
    given = words_for(command, values)
    if words[0] == "file" and "DEST" in [parameter.metavar for parameter in command.params]:
        target = folder / "out"
        if target.exists():
            target.unlink()
    return CommandRun(data, [*words, *given], **settings)


def check(run, *more):
    said = run.err.decode("utf-8", "replace")
    assert run.status in (*STATUSES, *more), (run.status, said)
    for word in ("Traceback", "Exception ignored", "error of this program"):
        assert word not in said, said


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=NAMES)
def test_streams(world, words, command):
    plain = runs(world, words, command)
    check(plain)
    assert plain.out or plain.err
    for closed in EVERY if words in (("kv", "get"), ("file", "put")) else FEW:
        run = runs(world, words, command, prepare=lambda closed=closed: [os.close(number) for number in closed])
        check(run)
        assert run.status == plain.status, closed
        for number, (mine, theirs) in ((1, (run.out, plain.out)), (2, (run.err, plain.err))):
            assert number not in closed or not mine
            assert number in closed or len(mine.splitlines()) == len(theirs.splitlines())
    narrow = runs(world, words, command, encoding="ascii")
    check(narrow)
    assert narrow.status == plain.status
    for full in ((1,), (2,), (1, 2)):
        run = runs(world, words, command, prepare=lambda full=full: [_full(number) for number in full])
        check(run)
        assert run.status == (1 if 1 in full and plain.out and not plain.status else plain.status), full
    run = runs(world, words, command, prepare=_reader_is_gone)
    check(run, READER_GONE)
    if words in (("file", "list"), ("file", "put"), ("kv", "list"), ("store", "list"), ("status",)):
        assert run.status == READER_GONE
        assert not run.err


def _full(number):
    os.dup2(os.open("/dev/full", os.O_WRONLY), number)


def _reader_is_gone():
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=NAMES)
def test_bytes_that_are_no_utf8(world, words, command):
    """Each argument and option of text in turn."""
    folder, values = world
    bad = b"caf\xe9\x1b[2J\n\xff"
    for parameter in command.params:
        is_option = parameter.param_type_name == "option"
        if is_option and parameter.is_flag:
            continue
        given = [os.fsencode(word) for word in words_for(command, values)]
        if is_option:
            given += [os.fsencode(parameter.opts[0]), bad]
        elif parameter.required:
            given[[one.name for one in command.params if one.required].index(parameter.name)] = bad
        else:
            given.append(bad)
        data = copied(folder / "laptop", folder / "copy")
        run = CommandRun(data, [*[os.fsencode(word) for word in words], *given])
        check(run)
        assert not os.path.lexists(bad), "the test itself leaves something in the working directory"
        assert len(run.err.splitlines()) <= 3
        assert b"\x1b" not in run.out + run.err
        assert b"\xff" not in run.err


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=NAMES)
def test_a_terminal_of_one_column(world, words, command):
    for columns in (1, 0):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

        def prepare(slave=slave):
            os.dup2(slave, 1)

        run = runs(world, words, command, prepare=prepare)
        check(run)
        os.close(slave)
        os.close(master)


# -- content that is read -----------------------------------------------------------------------------------------

CONTENT = [
    ("kv", "put", "Schlüssel", "@-"),
    ("kv", "put", "Schlüssel", "@/dev/stdin"),
    ("kv", "put", "Schlüssel", "@/dev/fd/0"),
    ("file", "put", "-", "--as", "Datei ä.txt"),
    ("file", "put", "/dev/stdin", "--as", "Datei ä.txt"),
    ("join", "-"),
    ("join", "/dev/stdin"),
    ("node", "rekey", "--invite", "-"),
]


def _not_for_reading():
    os.dup2(os.open(os.devnull, os.O_WRONLY), 0)


def _closed():
    os.close(0)


UNREADABLE = [(words, _closed) for words in CONTENT]
UNREADABLE += [(words, _not_for_reading) for words in CONTENT if "-" in words or "@-" in words]


@pytest.mark.parametrize(("words", "prepare"), UNREADABLE)
def test_input_that_cannot_be_read_is_no_empty_content(world, words, prepare):
    folder, _ = world
    data = copied(folder / "laptop", folder / "copy")
    run = CommandRun(data, words, prepare=prepare)
    check(run)
    assert run.status in (1, 2), run.err
    assert not run.out, run.err
    assert len(run.err.splitlines()) == 1, run.err
    assert CommandRun(data, ("kv", "get", "Schlüssel")).out == b"Wert"
    assert CommandRun(data, ("file", "get", "Datei ä.txt", "-")).out == b"content" * 100


def test_no_more_is_read_than_there_can_be(world):
    """/dev/zero never ends; memory does."""
    folder, _ = world
    data = copied(folder / "laptop", folder / "copy")

    def little_memory():
        os.dup2(os.open("/dev/zero", os.O_RDONLY), 0)
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

    for words in (("kv", "put", "k", "@/dev/zero"), ("kv", "put", "k", "@-"), ("join", "-"), ("join", "/dev/zero")):
        run = CommandRun(data, words, prepare=little_memory)
        check(run)
        assert run.status == 1, (words, run.err)
    exact = folder / "exact"
    exact.write_bytes(bytes((1 << 20) - 100))
    assert CommandRun(data, ("kv", "put", "k", "@%s" % exact)).status == 0
    exact.write_bytes(bytes((1 << 20) + 1))
    assert b"more than 1048576 bytes" in CommandRun(data, ("kv", "put", "k", "@%s" % exact)).err

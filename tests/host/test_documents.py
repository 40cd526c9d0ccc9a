"""What the documents say about the command line is what it does: every command, every option, README's own lines."""

import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from host.cli_commands import leaves

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMON = {"--json", "--store", "--timeout", "--hex", "--data"}  # explained once, above the table
LEAVES = dict(leaves())


def documented():
    """[words of a piece] of the first column of the table in docs/commands.md."""
    lines = (ROOT / "docs" / "commands.md").read_text("utf-8").splitlines()
    table = lines[lines.index("| command | JSON |") : lines.index("## Operations")]
    cells = [line.split("|")[1] for line in table if line.startswith("| `")]
    return [piece.split() for cell in cells for piece in re.findall(r"`([^`]+)`", cell) if not piece.startswith("-")]


def command_of(piece):
    """The command that a piece of the table is about, and what stands behind it."""
    for count in (3, 2, 1):
        if tuple(piece[:count]) in LEAVES:
            return tuple(piece[:count]), " ".join(piece[count:])
    raise AssertionError("a command that is none: %s" % " ".join(piece))


def test_every_command_and_option_is_documented():
    pieces = dict(command_of(piece) for piece in documented())
    assert set(pieces) == set(LEAVES)
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for words, command in LEAVES.items():
        shown = pieces[words]
        for parameter in command.params:
            if parameter.param_type_name == "option":
                name = parameter.opts[0]
                assert name in text if name in COMMON else re.search(r"%s\b" % re.escape(name), shown), (words, name)
            else:
                assert (parameter.metavar or parameter.name.upper()).strip("[]") in shown, (words, parameter.name)


def test_no_option_is_documented_that_is_not_there():
    for piece in documented():
        words, shown = command_of(piece)
        options = {name for parameter in LEAVES[words].params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", shown)) <= options, words


def lines_of(document):
    """The commands in the code blocks of a document."""
    blocks = re.findall(r"^```\n(.*?)^```", (ROOT / document).read_text("utf-8"), re.S | re.M)
    for line in "\n".join(blocks).splitlines():
        for command in re.findall(r"lattice-host (.*?)(?:\s{2,}(?=\S*lattice-host)|\s+#|$)", line):
            yield document, command.strip()


@pytest.mark.parametrize(("document", "line"), [*lines_of("README.md"), *lines_of("docs/guide.md")])
def test_the_lines_of_the_documents_are_commands(document, line):
    words = shlex.split(line.replace("…", ""))
    words, rest = command_of(words)
    context = LEAVES[words].make_context(" ".join(words), shlex.split(rest))
    assert not context.args, (document, line)


def test_what_the_documents_name_is_there():
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = document.read_text("utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (document.parent / target).exists(), (document.name, target)
        for target in re.findall(r"\bdocs/[\w./-]+\.(?:md|svg)", text):
            assert (ROOT / target).exists(), (document.name, target)


def test_the_picture_is_what_the_demo_printed():
    tool = ROOT / "tools" / "demo_picture.py"
    drawn = subprocess.run([sys.executable, str(tool), "--print"], capture_output=True, check=True).stdout
    assert drawn == (ROOT / "docs" / "demo.svg").read_bytes()
    text = (ROOT / "docs" / "demo.txt").read_text("utf-8")
    source = (ROOT / "tools" / "demo.py").read_text("utf-8")
    for line in text.splitlines():
        step = re.match(r"(.*?\S)\s{2,}[\d.]+ s  ", line)
        assert step is None or '"%s"' % step.group(1) in source, line
    left, arrived = re.findall(r"sha256 (\w{64})", text)
    assert left == arrived
    assert len(text.splitlines()) > 8

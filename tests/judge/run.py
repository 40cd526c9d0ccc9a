"""The host's half of the judge: reads vector files, feeds their cases to an interpreter, counts.

`CPython` and `Emulator` start the interpreters; everything else does not know which one it talks to.
"""

import json
import os
import pathlib
import select
import subprocess
import sys
from collections.abc import Iterator

from judge import registry

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SERVE = "tests/judge/serve.py"
CASE_SECONDS = 300
SHOWN = 10
LONG_TEXT = 20000
PIECE_TEXT = 4096


class InterpreterDied(Exception):
    """The interpreter ended, or gave no answer in time."""


def in_pieces(value: object) -> object:
    """Long hex texts as lists of pieces: the stick's heap has no 70 KB in one piece thrice. `cases.h` takes both."""
    if isinstance(value, str) and len(value) > LONG_TEXT:
        return [value[at : at + PIECE_TEXT] for at in range(0, len(value), PIECE_TEXT)]
    if isinstance(value, list):
        return [in_pieces(each) for each in value]
    if isinstance(value, dict):
        return {name: in_pieces(each) for name, each in value.items()}
    return value


class Interpreter:
    """A process that runs serve.py."""

    def __init__(self, command: "list[str]", environment: "dict[str, str]"):
        self.command = command
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*self.command, SERVE],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def send(self, message: dict) -> None:
        if self.process is None:
            self.start()
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(in_pieces(message), separators=(",", ":")).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise InterpreterDied("the interpreter has ended") from None

    def answer(self) -> str:
        """What was wrong with the case just sent, "" when nothing was."""
        assert self.process is not None
        assert self.process.stdout is not None
        while True:
            if not select.select([self.process.stdout], [], [], CASE_SECONDS)[0]:
                raise InterpreterDied(f"no answer within {CASE_SECONDS} s")
            line = self.process.stdout.readline()
            if not line:
                raise InterpreterDied("the interpreter ended while it checked this")
            if line.startswith(b"=> "):
                wrong = line[3:].decode(errors="replace").strip()
                return "" if wrong == "ok" else wrong


def cpython() -> Interpreter:
    folders = ("shared", "host", "tests", "tests/core")
    path = os.pathsep.join([*(str(ROOT / folder) for folder in folders), *filter(None, [os.environ.get("PYTHONPATH")])])
    return Interpreter([sys.executable], {"PYTHONPATH": path})


def emulator() -> Interpreter:
    """The stick's interpreter with its heap; the core is the one frozen into it.

    Its paths are relative: it holds none that is longer than 128 bytes.
    """
    heap = (ROOT / "build" / "emulator" / "heapsize").read_text().strip()
    command = [str(ROOT / "build" / "emulator" / "micropython"), "-X", f"heapsize={heap}"]
    return Interpreter(command, {"MICROPYPATH": ".frozen:tests:tests/core"})


class Tally:
    def __init__(self) -> None:
        self.passed = 0
        self.failures: list[str] = []

    def add(self, label: str, wrong: str) -> None:
        if wrong:
            self.failures.append(f"{label}: {wrong}")
        else:
            self.passed += 1

    def summary(self) -> str:
        return f"{self.passed} passed, {len(self.failures)} failed"


def split(kind: str, document: dict) -> "tuple[dict, list[tuple[str, list]], list[str]]":
    """(context for the checkers, sections with their cases, names of what nobody knows) of a file."""
    context = {}
    sections = []
    unknown = []
    for name, value in document.items():
        if isinstance(value, list):
            if registry.checker_of(kind, name):
                sections.append((name, value))
            else:
                unknown.append(name)
        elif isinstance(value, dict) and name not in registry.CONTEXT.get(kind, ()):
            unknown.append(name)
        else:
            context[name] = value
    sections.sort(key=lambda section: section[0] not in registry.FIRST.get(kind, ()))
    return context, sections, unknown


def label_of(file: str, section: str, index: int, case: object) -> str:
    name = case.get("name", case.get("note", "")) if isinstance(case, dict) else ""
    return f"{file} {section}[{index}]{' ' + str(name) if name else ''}"


def judge_file(path: pathlib.Path, interpreter: Interpreter, only: "str | None" = None) -> Tally:
    """Judges one file (only one section of it, if named)."""
    tally = Tally()
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        tally.add(path.name, f"cannot be read: {error}")
        return tally
    if not isinstance(document, dict):
        tally.add(path.name, "is no vector file")
        return tally
    kind = registry.kind_of(document)
    context, sections, unknown = split(kind, document)
    for name in unknown:
        for index in range(max(1, len(document[name]))):
            tally.add(f"{path.name} {name}[{index}]", "nobody checks this section")
    if not sections and not unknown:
        tally.add(path.name, "holds no section")
    interpreter.stop()
    start = {"document": kind, "context": context}
    for section, cases in sections:
        if only in (None, section):
            for label, wrong in _judge_section(path.name, section, cases, interpreter, start):
                tally.add(label, wrong)
    interpreter.stop()
    return tally


def _judge_section(
    file: str, section: str, cases: list, interpreter: Interpreter, start: dict
) -> "Iterator[tuple[str, str]]":
    if not cases:
        yield f"{file} {section}", "the section is empty"
    for index, case in enumerate(cases):
        label = label_of(file, section, index, case)
        try:
            if interpreter.process is None:
                interpreter.send(start)
            interpreter.send({"section": section, "case": case})
            yield label, interpreter.answer()
        except InterpreterDied as error:
            interpreter.stop()
            yield label, str(error)


def main(paths: "list[str]", interpreter: Interpreter) -> int:
    """Judges files, prints the first failures and the sum; returns the exit status."""
    total = Tally()
    for path in paths:
        tally = judge_file(pathlib.Path(path), interpreter)
        print(f"{path}: {tally.summary()}")
        total.passed += tally.passed
        total.failures += tally.failures
    for failure in total.failures[:SHOWN]:
        print(f"  {failure}")
    if len(total.failures) > SHOWN:
        print(f"  … and {len(total.failures) - SHOWN} more")
    print(total.summary())
    return 1 if total.failures else 0

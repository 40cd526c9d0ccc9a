"""The platform's half of the judge: reads one case a line from stdin, answers one line a case. Both interpreters.

A line is JSON: {"document": kind, "context": {…}} begins a file, {"section": …, "case": …} is a case. The answer is
"=> ok" or "=> " and what was wrong.
"""

import gc
import json
import sys

from judge import registry
from support import crypto

MICROPYTHON = hasattr(sys.implementation, "_mpy")


class Context:
    """What checkers share within one file: the platform's crypto, the file's scalar fields, and `state`, a dict of
    their own (cases come in the order of the file)."""

    def __init__(self, kind, document):
        self.kind = kind
        self.document = document
        self.crypto = crypto()
        self.state = {}


_modules = {}


def checker(kind, section):
    name = registry.checker_of(kind, section)
    if name not in _modules:
        _modules[name] = __import__("judge." + name, None, None, ("check",))
    return _modules[name].check


def judge(context, section, case):
    """What is wrong with a case, "" when nothing is."""
    if MICROPYTHON:
        gc.collect()
    try:
        checker(context.kind, section)(section, case, context)
    except Exception as error:  # noqa: BLE001 - whatever a case provokes is its verdict
        return "%s: %s" % (type(error).__name__, error) or "failed"
    return ""


def main():
    context = None
    if MICROPYTHON:
        gc.threshold(65536)  # as firmware/main.py: collected late, long-lived objects lie scattered over the heap
    while True:
        message = None
        if MICROPYTHON:
            gc.collect()  # a line may take a seventh of the heap, in one piece
        line = sys.stdin.readline()
        if not line:
            return
        message = json.loads(line)
        line = None
        if "document" in message:
            context = Context(message["document"], message["context"])
            continue
        wrong = judge(context, message["section"], message["case"])
        print("=> %s" % (wrong.replace("\n", " ") or "ok"))
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()


if __name__ == "__main__":
    main()

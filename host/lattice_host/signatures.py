"""Ed25519 verification straight from libsodium: here, and in a process beside this one.

Run as a program it is that process: it reads lists of signatures from its input and answers with verdicts, until its
input ends. Threads cannot do this job while Python works: after each signature they would wait for the interpreter's
lock, up to 5 ms. It stands alone (no import of its package), so that it can be started by its path.
"""

import select
import subprocess
import sys
import threading
from collections import deque
from importlib import import_module

PUBLIC_BYTES = 32
HASH_BYTES = 32
SIGNATURE_BYTES = 64
ITEM_BYTES = PUBLIC_BYTES + HASH_BYTES + SIGNATURE_BYTES
COUNT_BYTES = 4

_OPEN_BYTES = 256  # of a signed message that is opened in one buffer for all: hashes

_binding = import_module("nacl._sodium")  # it has no type stubs
_ffi = _binding.ffi
_verify = _binding.lib.crypto_sign_open


def verify_each(items):
    """One verdict for each (public, message, signature). Between two the interpreter's lock is held shortly."""
    opened = _ffi.new("unsigned char[]", _OPEN_BYTES)
    size = _ffi.new("unsigned long long *")
    verdicts = []
    for public, message, signature in items:
        if len(public) != PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
            verdicts.append(False)
            continue
        signed = b"".join((signature, message))
        into = opened if len(signed) <= _OPEN_BYTES else _ffi.new("unsigned char[]", len(signed))
        verdicts.append(_verify(into, size, signed, len(signed), bytes(public)) == 0)
    return verdicts


def pack(items):
    """The items as one piece, or None when one of them is no signature of a hash."""
    parts = []
    for public, message, signature in items:
        if len(public) != PUBLIC_BYTES or len(message) != HASH_BYTES or len(signature) != SIGNATURE_BYTES:
            return None
        parts += (public, message, signature)
    return b"".join(parts)


def unpack(data):
    for at in range(0, len(data), ITEM_BYTES):
        message = at + PUBLIC_BYTES
        signature = message + HASH_BYTES
        yield data[at:message], data[message:signature], data[signature : at + ITEM_BYTES]


class Beside:
    """The process, and the lists it has not answered yet, oldest first. OSError when it is gone."""

    def __init__(self):
        # -P: its own folder, whose names are not those of the standard library, stays off its path.
        command = [sys.executable, "-P", __file__]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._questions = process.stdin
        self._answers = process.stdout
        self._lock = threading.Lock()
        self._waiting = deque()

    def begin(self, packed):
        """Hands a list over; `Asked.result` waits for its verdicts."""
        asked = Asked(self, len(packed) // ITEM_BYTES)
        question = memoryview(asked.count.to_bytes(COUNT_BYTES, "little") + packed)
        with self._lock:
            while question:
                question = question[self._questions.write(question) :]
            self._waiting.append(asked)
        return asked

    def answer(self, asked):
        """Reads answers until `asked` has its own: they come in the order of the questions."""
        with self._lock:
            while asked.verdicts is None:
                first = self._waiting.popleft()
                first.verdicts = [verdict == 1 for verdict in self._read(first.count)]

    def _read(self, count):
        data = b""
        while len(data) < count:
            piece = self._answers.read(count - len(data))
            if not piece:
                raise BrokenPipeError("the process that verifies signatures has ended")
            data += piece
        return data

    def idle(self):
        """True when an answer lies ready to be read: the process is faster than whoever asks."""
        return bool(select.select((self._answers,), (), (), 0)[0])


class Asked:
    """One list that is being verified."""

    def __init__(self, beside, count):
        self.count = count
        self.verdicts = None
        self._beside = beside

    def is_ready(self):
        return self.verdicts is not None or self._beside.idle()

    def result(self):
        self._beside.answer(self)
        return self.verdicts or []


def serve(source, sink):
    """Answers until the input ends."""
    while len(head := source.read(COUNT_BYTES)) == COUNT_BYTES:
        data = source.read(int.from_bytes(head, "little") * ITEM_BYTES)
        sink.write(bytes(verify_each(unpack(data))))
        sink.flush()


if __name__ == "__main__":
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # whoever asked is gone

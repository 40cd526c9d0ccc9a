"""What the crypto costs on the host and on the stick's interpreter (on this machine). Prints JSON lines."""

import json
import os
import sys
import time

MESSAGE = b"m" * 32
KEY = b"k" * 32
FRAME_BYTES = 1024


def clock():
    """Microseconds, on both interpreters."""
    return time.ticks_us() if hasattr(time, "ticks_us") else time.perf_counter_ns() // 1000


def each_us(rounds, function, *arguments):
    started = clock()
    for _ in range(rounds):
        function(*arguments)
    return (clock() - started) / rounds


def measure(native, name):
    """One row: microseconds a call."""
    public = native.ed25519_public(KEY)
    signature = native.ed25519_sign(KEY, public, MESSAGE)
    buf = bytearray(FRAME_BYTES + 16)
    signed = [(public, MESSAGE, signature)] * 2000
    started = clock()
    assert all(native.ed25519_verify_many(signed))
    many_us = (clock() - started) / len(signed)
    return {
        "bench": "crypto",
        "on": name,
        "ed25519_verify_us": round(each_us(500, native.ed25519_verify, public, MESSAGE, signature), 1),
        "ed25519_verify_many_us": round(many_us, 1),
        "ed25519_sign_us": round(each_us(500, native.ed25519_sign, KEY, public, MESSAGE), 1),
        "x25519_us": round(each_us(200, native.x25519, KEY, public), 1),
        "blake3_1k_us": round(each_us(2000, native.blake3_digest, buf), 1),
        "aead_seal_1k_us": round(each_us(2000, native.aead_seal, KEY, 1, b"", buf, FRAME_BYTES), 1),
    }


def on_this_interpreter():
    from support import crypto

    print(json.dumps(measure(crypto(), sys.implementation.name)))


def on_the_stick():
    from emulator import interpreter

    result = interpreter.run(os.path.abspath(__file__), timeout_s=120)
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    return result.returncode


if __name__ == "__main__":
    on_this_interpreter()
    if sys.implementation.name == "cpython":
        sys.exit(on_the_stick())

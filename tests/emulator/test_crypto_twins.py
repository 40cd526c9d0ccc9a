"""The C module and the host's crypto answer alike on the same random and hostile inputs."""

import os
import subprocess
import sys

import pytest

from emulator import interpreter

SCRIPT = interpreter.ROOT / "tests" / "emulator" / "crypto_transcript.py"
ROUNDS = 100


def host_transcript(seed):
    paths = [str(interpreter.ROOT / folder) for folder in ("tests/core", "host", "shared")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(paths))
    words = [sys.executable, str(SCRIPT), str(seed), str(ROUNDS)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_answers(seed):
    stick = interpreter.run(SCRIPT, seed, ROUNDS)
    assert stick.returncode == 0, stick.stderr
    expected = host_transcript(seed)
    assert stick.stdout.splitlines() == expected.splitlines()
    assert "verify True" in expected
    assert "verify False" in expected
    assert "x25519 refused" in expected

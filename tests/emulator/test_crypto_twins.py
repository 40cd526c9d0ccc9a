"""The C module and the host's crypto answer alike on the same random and hostile inputs."""

import pytest

from emulator import interpreter
from emulator.transcripts import SCRIPT, host_transcript

ROUNDS = 100


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_answers(seed):
    stick = interpreter.run(SCRIPT, seed, ROUNDS)
    assert stick.returncode == 0, stick.stderr
    expected = host_transcript(seed, ROUNDS)
    assert stick.stdout.splitlines() == expected.splitlines()
    assert "verify True" in expected
    assert "verify False" in expected
    assert "x25519 refused" in expected

"""What the host's crypto makes of the inputs of crypto_transcript.py."""

import os
import subprocess
import sys

from emulator import interpreter

SCRIPT = interpreter.ROOT / "tests" / "emulator" / "crypto_transcript.py"


def host_transcript(seed, rounds):
    paths = [str(interpreter.ROOT / folder) for folder in ("tests/core", "host", "shared")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(paths))
    words = [sys.executable, str(SCRIPT), str(seed), str(rounds)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout

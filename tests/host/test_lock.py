"""One process a data directory: the second one is told who the first is; a dead holder holds nothing."""

import os
import signal
import subprocess
import sys

import pytest

from lattice_core.errors import StorageError
from lattice_host.lock import DirectoryLock

HOLDER = """
import sys, time
from lattice_host.lock import DirectoryLock

lock = DirectoryLock(sys.argv[1])
print(1, flush=True)
time.sleep(60)
"""


def holder(path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    process = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, env=environment)
    assert process.stdout.readline() == b"1\n"
    return process


def test_released_and_taken_again(tmp_path):
    for _ in range(3):
        DirectoryLock(tmp_path / "lock").release()


def test_another_process_is_named(tmp_path):
    process = holder(tmp_path / "lock")
    try:
        with pytest.raises(StorageError, match="in use by process %d " % process.pid):
            DirectoryLock(tmp_path / "lock", 0.1)
    finally:
        process.kill()
        process.wait()


def test_a_killed_holder_holds_nothing(tmp_path):
    process = holder(tmp_path / "lock")
    process.send_signal(signal.SIGKILL)
    process.wait()
    DirectoryLock(tmp_path / "lock").release()


def test_the_same_process_twice(tmp_path):
    lock = DirectoryLock(tmp_path / "lock")
    with pytest.raises(StorageError, match="process %d" % os.getpid()):
        DirectoryLock(tmp_path / "lock")
    lock.release()


def test_a_lock_that_cannot_be_opened(tmp_path):
    with pytest.raises(StorageError, match="cannot be opened"):
        DirectoryLock(tmp_path / "absent" / "lock")

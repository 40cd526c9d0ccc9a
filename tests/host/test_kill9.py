"""kill -9 at any moment: what was committed is there, whole and consistent, and nothing of what was not.

Run as a program this file is the writer: it says after each commit what is now safe, until it is killed.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import threading

from lattice_core.model.intention import encode_body, parse
from lattice_core.storage.contract import TABLE_DATA, ZERO
from lattice_host.storage import SqliteStorage
from support import Rng, crypto

KILLS = 25
STORE = b"kill-nine-store!"
AUTHOR = b"\x05" * 32
SIZES = (0, 100, 3000, 70000)


def item_at(position, prev):
    """The `position`-th intention: its content follows from its position alone."""
    ops = bytes([position & 255]) * SIZES[position % len(SIZES)]
    return parse(crypto(), encode_body(AUTHOR, 1000 + position, 0, STORE, prev, (), ops), b"s" * 64)


def blob_at(position):
    data = Rng(position).bytes(50) * (1 + position % 700)
    return crypto().blake3_digest(data), data


def write(path):
    storage = SqliteStorage(path)
    store = storage.store(STORE)
    rng = Rng(store.count + 1)
    while True:
        for _ in range(1 + rng.below(12)):
            length, prev = store.chain(AUTHOR)
            item = item_at(length + 1, prev)
            store.put(item)
            store.witness(item.hash, item.wall_ms, item.hash)
            store.put_row(TABLE_DATA, b"last", b"%d" % store.count)
            store.put_blob(*blob_at(store.count))
        storage.put_record(b"tip", b"%d" % store.count)
        storage.commit()
        print(store.count, flush=True)


def write_until_killed(path, delay_s):
    """Starts the writer, kills it; returns the last count that it called safe."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    process = subprocess.Popen([sys.executable, pathlib.Path(__file__), path], stdout=subprocess.PIPE, env=environment)
    first = process.stdout.readline()
    assert first, "the writer did not start"
    timer = threading.Timer(delay_s, process.send_signal, (signal.SIGKILL,))
    timer.start()
    rest = process.stdout.read()
    timer.join()
    assert process.wait() == -signal.SIGKILL
    lines = (first + rest).split(b"\n")  # the last one may be cut off
    return int(lines[-2])


def check_everything(path, safe):
    """Every promise about one state, after it was opened again."""
    storage = SqliteStorage(path)
    store = storage.store(STORE)
    count = store.count
    assert count >= safe
    assert storage.record(b"tip") == b"%d" % count
    assert store.row(TABLE_DATA, b"last") == b"%d" % count
    assert store.floating() == []
    prev = ZERO
    for position in range(1, count + 1):
        item = item_at(position, prev)
        assert store.chain_at(AUTHOR, position) == item.hash
        got = store.get(item.hash)
        assert got.body_bytes() == item.body_bytes()
        assert got.signature == item.signature
        name, data = blob_at(position)
        assert store.blob(name).read(0, len(data)) == data
        prev = item.hash
    assert store.chain(AUTHOR) == (count, prev)
    assert store.head == prev
    assert len(list(store.blobs())) == count == store.range_summary(ZERO, None)[0]
    storage.check()
    storage.close()
    return count


def test_killed_at_random_moments(tmp_path):
    path = str(tmp_path / "node.db")
    dice = random.Random(9)
    before = 0
    for _ in range(KILLS):
        safe = write_until_killed(path, dice.uniform(0.0, 0.06))
        assert safe > before
        before = check_everything(path, safe)
    assert before >= KILLS


if __name__ == "__main__":
    write(sys.argv[1])

"""How many signed key-value intentions a host takes per second from a Nano peer into SQLite. Prints one JSON line.

    PYTHONPATH=tests/core python tests/bench/bench_nano_ingest.py [--intentions N]

Both ends run in this process, over streams in memory: the sender's node in memory, the receiver's in a database. The
rate counts the receiver's own time only (its steps), the whole session stands beside it.
"""

import argparse
import json
import tempfile
import time

from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.wire.messages import KvPayload
from lattice_host import crypto
from lattice_host.process import collect_rarely
from lattice_host.storage import SqliteStorage
from older import commit, first_of, replica_of

NanoPeer = first_of("lattice_core.sync.nano.peer:NanoPeer", "lattice_core.sync.nano:NanoPeer")
Pair = first_of("support.fake_connection:Pair", "fake_connection:Pair")
joined = first_of("support.nano:joined", "nano_support:joined")
node = first_of("support.nano:node", "nano_support:node")
START_MS = first_of("support:START_MS", "nano_support:START_MS")

AUTHORS = 50
VALUE_BYTES = 64
WINDOW_BYTES = 65536


def fill(handle, count):
    authors = [Identity(crypto, bytes([n + 10]) * 32) for n in range(AUTHORS)]  # none of them is one of the nodes
    tips = [bytes(32)] * AUTHORS
    for number in range(count):
        who = number % AUTHORS
        put = KvPayload.encode({"ops": [{"put": {"key": b"key-%07d" % number, "value": b"v" * VALUE_BYTES}}]})
        item = intentions.create(crypto, authors[who], START_MS + number, 0, handle.id, tips[who], [], ops.app(put))
        tips[who] = item.hash
        handle.weaver.ingest(item, START_MS, True)


def measure(count, folder):
    left, right = node(1, "left"), node(2, "right", SqliteStorage(folder + "/node.db"))
    _, notes = joined(left, right)
    fill(notes, count)
    commit(left, START_MS)
    pair = Pair(left.identity.public, right.identity.public, window=WINDOW_BYTES)
    sender, receiver = NanoPeer(left, pair.a), NanoPeer(right, pair.b)
    task = receiver.sync([notes.id])
    began = time.monotonic()
    processor = time.process_time()
    own = 0.0
    while not task.done:
        now_ms = START_MS + int((time.monotonic() - began) * 1000)
        sender.step(now_ms)
        started = time.perf_counter()
        receiver.step(now_ms)
        own += time.perf_counter() - started
    if task.error is not None:
        raise task.error
    assert task.result.complete
    assert replica_of(right, notes.id).store.count == notes.store.count
    return own, time.monotonic() - began, time.process_time() - processor


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--intentions", type=int, default=20000)
    count = parser.parse_args().intentions
    collect_rarely()
    with tempfile.TemporaryDirectory(prefix="lattice-bench-") as folder:
        own, whole, processor = measure(count, folder)
    figures = {"bench": "nano ingest", "intentions": count, "per_second": round(count / own)}
    figures.update({"seconds": round(own, 2), "with_sender_seconds": round(whole, 2)})
    figures["cpu_seconds"] = round(processor, 2)  # of both ends, verification too
    figures["aim"] = {"per_second": ">= 10000"}
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()

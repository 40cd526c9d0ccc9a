"""How many signed key-value intentions a host takes per second, verified and durable. Prints JSON lines.

    python tests/bench/bench_ingest.py [--intentions N]

The intentions come as a sync delivers them: SignedIntention messages in batches, of 50 authors in witness order. Two
ways are measured in one run: one batch after the other, and the next batch verified on the other core while the writer
ingests the last one. `verify_share` is the time in which the writer waits for verdicts, as a part of the whole.
"""

import argparse
import json
import pathlib
import tempfile
import time

from lattice_core.machines.projection import Projection
from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.model.intention import ZERO, create, parse_signed, signed
from lattice_core.weaver.weaver import WITNESSED, Weaver
from lattice_core.wire.messages import KvPayload
from lattice_host import crypto
from lattice_host.process import collect_rarely
from lattice_host.storage import SqliteStorage
from older import first_of

TYPE_KV = first_of("lattice_core.machines.registry:TYPE_KV", "lattice_core.machines.projection:TYPE_KV")
STORE = b"bench-of-ingest!"
AUTHORS = 50
BATCH = 256
COMMIT_INTENTIONS = 4096
NOW_MS = 1_700_000_000_000
VALUE_BYTES = 64


def make_history(count):
    """`count` SignedIntention messages; a fifth of them write a key again, on top of its last write."""
    identities = [Identity(crypto, bytes([n + 1]) * 32) for n in range(AUTHORS)]
    tips = [ZERO] * AUTHORS
    last = {}
    messages = []
    for number in range(count):
        who = number % AUTHORS
        key = b"key-%07d" % (number // 2 if number % 5 == 0 else number)
        put = KvPayload.encode({"ops": [{"put": {"key": key, "value": b"%d" % number * (VALUE_BYTES // 8)}}]})
        deps = [last[key]] if key in last else []
        made = create(crypto, identities[who], NOW_MS + number, 0, STORE, tips[who], deps, ops.app(put))
        tips[who] = last[key] = made.hash
        messages.append(signed(made))
    return messages


class Ingest:
    """One run into a fresh database."""

    def __init__(self, path):
        self.storage = SqliteStorage(path)
        store = self.storage.store(STORE)
        self.weaver = Weaver(
            self.storage, store, crypto, Identity(crypto, b"\x00" * 32), Projection(store, crypto, TYPE_KV)
        )
        self.weaver.start(NOW_MS)
        self.waited_s = 0.0
        self.uncommitted = 0

    def parsed(self, messages):
        return [parse_signed(crypto, message) for message in messages]

    def waiting(self, verdicts):
        """`verdicts()` timed as waiting."""
        started = time.perf_counter()
        result = verdicts()
        self.waited_s += time.perf_counter() - started
        return result

    def write(self, batch, verdicts):
        for intention, good in zip(batch, verdicts, strict=True):
            fate = self.weaver.ingest(intention, NOW_MS, good)
            assert good
            assert fate == WITNESSED
        self.weaver.events.clear()
        self.uncommitted += len(batch)
        if self.uncommitted >= COMMIT_INTENTIONS:
            self.storage.commit()
            self.uncommitted = 0


def triples(batch):
    return [(intention.author, intention.hash, intention.signature) for intention in batch]


def one_after_the_other(run, batches):
    for messages in batches:
        batch = run.parsed(messages)
        run.write(batch, run.waiting(lambda batch=batch: crypto.ed25519_verify_many(triples(batch))))
    run.storage.commit()


def overlapped(run, batches):
    before = None
    for messages in batches:
        batch = run.parsed(messages)
        verdicts = crypto.ed25519_verify_begin(triples(batch))
        if before is not None:
            run.write(before[0], run.waiting(before[1].result))
        before = (batch, verdicts)
    run.write(before[0], run.waiting(before[1].result))
    run.storage.commit()


def measure(way, batches, count):
    with tempfile.TemporaryDirectory(prefix="lattice-bench-") as folder:
        run = Ingest(folder + "/node.db")
        started = time.perf_counter()
        processor = time.process_time()
        way(run, batches)
        seconds = time.perf_counter() - started
        processor = time.process_time() - processor
        assert run.storage.store(STORE).count == count
        run.storage.close()
        size = sum(item.stat().st_size for item in pathlib.Path(folder).iterdir())
    return {
        "bench": "ingest",
        "way": way.__name__,
        "intentions": count,
        "per_second": round(count / seconds),
        "seconds": round(seconds, 3),
        "cpu_seconds": round(processor, 3),
        "verify_share": round(run.waited_s / seconds, 3),
        "bytes_on_disk_each": round(size / count),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--intentions", type=int, default=40000)
    count = parser.parse_args().intentions
    messages = make_history(count)
    collect_rarely()
    batches = [messages[start : start + BATCH] for start in range(0, count, BATCH)]
    for way in (one_after_the_other, overlapped):
        figures = measure(way, batches, count)
        if way is overlapped:
            figures["aim"] = {"per_second": ">= 10000"}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()

"""What a sync between two Nano peers costs on the link besides the intentions themselves. Prints JSON lines.

    PYTHONPATH=tests/core python tests/bench/bench_reconcile.py [--items N] [--authors N]

Two nodes hold N intentions of 50 authors. Counted is every byte of the serial link in both directions from the end of
the handshake to the quiet after the session, frames, acknowledgements and FIN included, without the intentions that
had to move. `round_trips`: until both sides know what to send. The worse of the two openers is reported.
"""

import argparse
import json
import time

from lattice_core.link.link import SERIAL, Link
from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.storage.contract import TABLE_BLOBS
from lattice_core.sync.nano.peer import NanoPeer
from lattice_core.wire.messages import KvPayload
from lattice_host import crypto
from support.nano import START_MS, joined, node, same

ITEM_FRAME_BYTES = 7  # length, field key and size of an intention's frame: part of what moves
COMMON = 20  # writes that both have, of other authors than those that differ
QUIET_ROUNDS = 400  # of a ms: what is acknowledged late is counted too


class Writers:
    """Authors that write into a store; what they write can be given to several nodes."""

    def __init__(self, handle, count):
        self.handle = handle
        self.authors = [Identity(crypto, bytes([1 + n & 255, 9 + (n >> 8)] * 16)) for n in range(count)]
        self.tips = [bytes(32)] * count
        self.number = 0

    def write(self, who):
        self.number += 1
        put = KvPayload.encode({"ops": [{"put": {"key": b"key %d" % self.number, "value": b"value"}}]})
        author = self.authors[who]
        item = intentions.create(
            crypto, author, START_MS + self.number, 0, self.handle.id, self.tips[who], [], ops.app(put)
        )
        self.tips[who] = item.hash
        return item


def give(handles, item):
    for handle in handles:
        handle.weaver.ingest(item, START_MS, True)


class Wire:
    """Two links face to face. Each round carries what either side had to say; half a round trip."""

    def __init__(self, left, right):
        self.now_ms = START_MS + 5000
        self.links = [
            Link(crypto, left.identity.seed, True, SERIAL, b"bench", self.now_ms),
            Link(crypto, right.identity.seed, False, SERIAL, b"bench", self.now_ms),
        ]
        self.peers = []
        while any(link.connection is None for link in self.links):
            self.round()
        for _ in range(QUIET_ROUNDS):
            self.round()
        self.peers = [NanoPeer(one, link.connection) for one, link in zip((left, right), self.links, strict=True)]
        self.bytes = 0

    def round(self):
        self.now_ms += 1
        flying = []
        for link in self.links:
            said = []
            while True:
                piece = link.send(self.now_ms)
                if piece is None:
                    break
                said.append(bytes(piece))
            flying.append(b"".join(said))
        for link, said in zip(self.links, reversed(flying), strict=True):
            if said:
                link.receive(said, self.now_ms)
        for peer in self.peers:
            while peer.step(self.now_ms):
                pass
        if self.peers:
            self.bytes += sum(len(said) for said in flying)


def measure(left, right, notes, opener):
    """(bytes without what had to move, round trips until planned) of one session."""
    wire = Wire(left, right)
    task = wire.peers[opener].sync([notes.id])
    rounds = planned = 0  # a round is half a round trip
    sessions = [None, None]
    while wire.peers[opener].step(wire.now_ms):
        pass
    while not task.done:
        wire.round()
        rounds += 1
        for at, peer in enumerate(wire.peers):
            if peer.sessions and sessions[at] is None:
                sessions[at] = peer.sessions[0][0]
        if not planned and all(session is not None and session.exchange.done() for session in sessions):
            planned = rounds
    for _ in range(QUIET_ROUNDS):
        wire.round()
    if task.error is not None:
        raise task.error
    assert task.result.complete
    assert same(left, right)
    moved = sum(peer.progress.sent_bytes + ITEM_FRAME_BYTES * peer.progress.sent_intentions for peer in wire.peers)
    return wire.bytes - moved, (planned + 1) // 2


def run(items, author_count):
    left, right = node(1, "left"), node(2, "right")
    _, notes = joined(left, right)
    far = right.tree.get(notes.id)
    writers = Writers(notes, author_count)
    started = time.monotonic()
    for number in range(items):
        give((notes, far), writers.write(number % author_count))
    left.journal.commit(START_MS)
    right.journal.commit(START_MS)
    made_s = time.monotonic() - started
    cases = {"equal": (0, "<= 300", "<= 1"), "10 recent": (10, "<= 600", "<= 2")}
    for name, (differences, aim_bytes, aim_trips) in cases.items():
        for met in (False, True):
            worst = (0, 0)
            for opener in (0, 1):
                if not met:
                    forget(left, right)
                for number in range(0 if met else COMMON):  # what differs is new on one side only
                    give((notes, far), writers.write((number * 3 + 1) % author_count))
                right.journal.commit(START_MS)
                for number in range(differences):
                    give((notes,), writers.write(number * 5 % author_count))
                left.journal.commit(START_MS)
                worst = max(worst, measure(left, right, notes, opener))
            row = {"bench": "reconcile", "case": name, "met_before": met, "items": items, "authors": author_count}
            row.update({"bytes": worst[0], "round_trips": worst[1], "setup_s": round(made_s, 1)})
            row["aim"] = {"bytes": aim_bytes, "round_trips": aim_trips}
            print(json.dumps(row), flush=True)


def forget(left, right):
    """Neither knows any more what the other had."""
    for one, other in ((left, right), (right, left)):
        for handle in one.tree.replicas:
            handle.store.put_row(TABLE_BLOBS, b"p" + other.identity.public, None)
        one.journal.commit(START_MS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=10000)
    parser.add_argument("--authors", type=int, default=50)
    chosen = parser.parse_args()
    run(chosen.items, chosen.authors)


if __name__ == "__main__":
    main()

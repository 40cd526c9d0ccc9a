"""bootstrap_large.json: our client asks for two pages and takes the recorded frames; nothing but hashes is kept."""

from judge.cases import expect, h, same, unknown
from judge.open_peer import OpenPeer
from lattice_core.sync.common.tasks import Task
from lattice_core.sync.reference import bootstrap
from lattice_core.sync.reference.framing import frame
from lattice_core.weaver.weaver import WITNESSED


def check(section, case, context):
    state = context.state
    if section == "intentions_in_order":
        state.setdefault("order", bytearray()).extend(h(case))
        return
    if case.get("from") not in ("client", "server"):
        raise unknown(section, case)
    if "task" not in state:
        state["store"] = Replayed(context, state["order"])
        state["peer"] = OpenPeer(context, h(context.document["server_key"]))
        state["task"] = Task(bootstrap.catch_up(state["peer"], state["store"]))
        state["task"].step(0)
    streams = state["peer"].connection.streams
    if case["from"] == "client":
        same("request", streams[-1].written, frame(h(case["hex"])))
        expect(streams[-1].done, "our half stays open behind the request")
        streams[-1].written = b""
        return
    streams[-1].arrive(h(case.pop("hex")))
    state["task"].step(0)
    if state["task"].error is not None:
        raise state["task"].error
    expect(not streams[-1].readable(), "a frame that was not read")
    if state["task"].done:
        same("records", state["task"].result, len(state["order"]) // 32)
        same("intentions", state["store"].count, len(state["order"]) // 32)


class Replayed:
    """A handle, its weaver, its store and storage: takes intentions in the recorded order and forgets them."""

    def __init__(self, context, order):
        self.id = h(context.document["store"])
        self.weaver = self
        self.store = self
        self.storage = self
        self.count = 0
        self._order = order
        self._rows = {}

    def row(self, table, key):
        return self._rows.get((table, key))

    def put_row(self, table, key, value):
        self._rows[(table, key)] = value

    def range_summary(self, start, end):
        return self.count, bytes(32)

    def range_hashes(self, start, end, limit):
        return []

    def get(self, hash):
        return None

    def room(self):
        return 1 << 30

    def ingest(self, item, now_ms, verified, listed):
        expect(verified, "a signature is wrong")
        same("hash", item.hash, bytes(self._order[32 * self.count : 32 * self.count + 32]))
        same("store", item.store_id, self.id)
        self.count += 1
        return WITNESSED

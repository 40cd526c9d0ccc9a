"""transcripts.json: what a real node and another peer said over a QUIC mesh; both sides are replayed with our code.

Sessions: byte for byte in both roles, each from the set that the recorded side held: given with the case, listed in its
messages, or found by the fingerprint it told. Answers to requests: byte for byte. Joins and bootstraps: by meaning.
"""

from judge.cases import expect, h, intention, same, unknown
from judge.sets import KnownSet
from lattice_core.model import token as tokens
from lattice_core.model.witness import content_parse
from lattice_core.sync.common import join
from lattice_core.sync.reference import bootstrap, chain, fetch
from lattice_core.sync.reference.large import read
from lattice_core.sync.reference.messages import next_message
from lattice_core.sync.reference.session import Session
from lattice_core.wire.reference_messages import PeerMessage


def check(section, case, context):
    if section == "intentions":
        known = context.state.setdefault("known", {})
        item = intention(context.crypto, case)
        same("hash", item.hash, h(case["hash"]))
        good = context.crypto.ed25519_verify(item.author, item.hash, item.signature)
        expect(good, "a signature is wrong")
        known[item.hash] = item
        return
    if "messages" not in case or "gossip" in case["name"]:
        raise unknown(section, case)
    sets = context.state.setdefault("sets", [])  # (store id, hashes) that somebody held at some time
    for stream in streams_of(case):
        check_stream(case, stream, context, sets)


def streams_of(case):
    """The messages of each stream of a case: lists of (from, payload)."""
    streams = []
    names = []
    for message in case["messages"]:
        name = message.get("stream", "")
        if name not in names:
            names.append(name)
            streams.append([])
        streams[names.index(name)].append((message["from"], h(message["hex"])))
    return streams


def check_stream(case, stream, context, sets):
    for kind in PeerMessage.decode(stream[0][1]):
        if kind == "reconcile":
            Replay(case, stream, context, sets).check()
        elif kind == "join_request":
            check_join(case, stream, context)
        elif kind == "bootstrap_request":
            check_bootstrap(case, stream, context, sets)
        elif kind in ("fetch_intentions", "fetch_chain"):
            check_request(kind, stream, context)
        else:
            raise unknown(kind, case)


def check_request(kind, stream, context):
    """A FetchIntentions outside of a session, or a FetchChain: our answer is the recorded one."""
    request = PeerMessage.decode(stream[0][1])[kind]
    store = KnownSet(context, request["store_id"], context.state["known"])
    if kind == "fetch_chain":
        answer = chain.answer(store, request)
    else:
        answer = fetch.in_one(store.get, store.id, request["hashes"])
    same("messages", len(stream), 2)
    same("answer", PeerMessage.encode(answer), stream[1][1])


def check_join(case, stream, context):
    """Our request is the recorded one, and we take the answer."""
    client = PeerMessage.decode(stream[0][1])["join_request"]["node_pubkey"]
    response = PeerMessage.decode(stream[1][1])["join_response"]
    server = response["inviter_pubkey"]
    for key in (client, server):
        expect(key.hex() in [known["key"] for known in context.document["keys"].values()], "a key that nobody has")
    token = tokens.parse(context.crypto, case["token"])
    joiner = Joiner(client)
    request = join.request(joiner, token, server)
    same("request", PeerMessage.encode({"join_request": request}), stream[0][1])
    join.accepted(joiner, token, response, server, 0)
    context.state["inviter"] = server
    same("joined", joiner.joined, (token.store_id, response["store_type"], server))


class Joiner:
    """A node as sync/common/join.py sees one."""

    def __init__(self, public):
        self.identity = self
        self.public = public
        self.joined = None

    def begin_join(self, token, peer_key):
        expect(token.may_be_shown_to(peer_key), "the secret is not for this peer")

    def complete_join(self, token, store_type, now_ms, peer_key):
        self.joined = (token.store_id, store_type, peer_key)


def check_bootstrap(case, stream, context, sets):
    """The request as ours would be; the frame as our client reads it."""
    request = PeerMessage.decode(stream[0][1])["bootstrap_request"]
    same("page", request["limit"], bootstrap.PAGE_RECORDS)
    store = KnownSet(context, request["store_id"], ())
    server = context.state["inviter"]  # a bootstrap follows its join
    page = bootstrap.Page(store, store, server, max(request["start_seq"], 1), request["limit"])
    for sender, payload in stream[1:]:
        frame = PeerMessage.decode(payload)["bootstrap_response"]
        for record in frame["witness_records"]:
            same("store of a record", content_parse(record["content"])[0], store.id)
        page.take(frame)
    expect(page.last, "the last frame does not say so")
    if "server_set" in case:
        same("order", [item.hash for item in store.taken], [h(hash) for hash in case["server_set"]])
    sets.append((store.id, store.hashes()))


class Replay:
    """One session, once for each role."""

    def __init__(self, case, stream, context, sets):
        self.case = case
        self.stream = stream
        self.context = context
        self.sets = sets
        self.store_id = PeerMessage.decode(stream[0][1])["reconcile"]["store_id"]

    def check(self):
        held = {"client": self.held_by("client", None)}
        held["server"] = self.held_by("server", held["client"])
        for role in ("client", "server"):
            items = KnownSet(self.context, self.store_id, held[role])
            self.replay(role, items)
            self.sets.append((self.store_id, items.hashes()))
        self.sets.append((self.store_id, sorted(set(held["client"]) | set(held["server"]))))

    def held_by(self, role, other):
        """What this side held before: as the case says, as it lists in a range over everything, as its fingerprint
        says of a set known before; without any of these as the other side, whose fingerprint it found equal."""
        if role + "_set" in self.case:
            return [h(hash) for hash in self.case[role + "_set"]]
        for sender, payload in self.stream:
            for message in PeerMessage.decode(payload).get("reconcile", {}).get("messages", ()):
                if sender != role:
                    continue
                for name in message:
                    found = None if name == "done" else self.whole_set(name, message[name])
                    if found is not None:
                        return found
        expect(other is not None, "what the %s held is not known" % role)
        return other

    def whole_set(self, name, values):
        if values["start"] != bytes(32) or values["end"] != b"\xff" * 32:
            return None
        if name != "range_fingerprint":
            return values["hashes"]
        for store_id, hashes in self.sets:
            total = 0
            for hash in hashes:
                total ^= int.from_bytes(hash, "big")
            if store_id == self.store_id and total.to_bytes(32, "big") == values["fingerprint"]:
                return hashes
        return None

    def replay(self, role, items):
        posted = []
        session = Session(items, self.store_id, Posted(posted))
        if role == "client":
            session.start()
        own = []
        for sender, payload in self.stream:
            if sender == role:
                own.append(payload)
            else:
                session.receive(read(payload))
                session.settle()
        done = PeerMessage.encode({"sync_done": {"store_id": self.store_id}})
        said = messages_of(posted)
        if len(said) == len(own) + 1 and said[-1] == done:
            said.pop()  # a side that closes at once loses its last word: there was none to record
        same("messages of the %s" % role, len(said), len(own))
        for got, recorded in zip(said, own):
            same("message of the %s" % role, got, recorded)
        expect(session.over() or session.may_be_left(), "the session of the %s is not over" % role)


class Posted:
    def __init__(self, queue):
        self.post = queue.append


def messages_of(queue):
    said = []
    while True:
        pieces = next_message(queue)
        if pieces is None:
            return said
        said.append(b"".join([bytes(piece) for piece in pieces]))

"""intention.json: valid, construct, decode, proto."""

from judge.cases import expect, h, outcome, same, unknown
from lattice_core.errors import ProtocolError
from lattice_core.model import intention as intentions
from lattice_core.model.identity import Identity
from lattice_core.wire.messages import SignedIntention


def check(section, case, context):
    checkers = {"valid": check_valid, "construct": check_construct, "decode": check_decode, "proto": check_proto}
    checkers[section](section, case, context.crypto)


def reencode(intention):
    """The body made anew from the decoded fields."""
    deps = list(intention.deps())
    return intentions.encode_body(
        intention.author,
        intention.wall_ms,
        intention.counter,
        intention.store_id,
        intention.store_prev,
        deps,
        intention.ops_bytes(),
    )


def check_valid(section, case, crypto):
    body = h(case["borsh"])
    intention = intentions.parse(crypto, body, h(case["sig"]))
    same("hash", intention.hash, h(case["hash"]))
    same("stamp", [intention.wall_ms, intention.counter], [case["wall"], case["counter"]])
    for name in ("author", "store_id", "store_prev"):
        same(name, getattr(intention, name), h(case[name]))
    same("number of deps", intention.dep_count, case["dep_count"])
    if case["deps"] is not None:
        same("deps", [dep.hex() for dep in intention.deps()], case["deps"])
    same("length of ops", intention.ops_size, case["ops_len"])
    if case["ops"] is not None:
        same("ops", intention.ops_bytes(), h(case["ops"]))
    same("decode and encode", reencode(intention) == body, case["roundtrip"])
    same("verify", intentions.verify(crypto, intention), case["verify"])
    if case["signed"] is not None:
        same("SignedIntention", intentions.signed(intention), h(case["signed"]))
    if case["seed"] is not None:
        identity = Identity(crypto, h(case["seed"]))
        same("author of the seed", identity.public, intention.author)
        same("signature", identity.sign(intention.hash), h(case["sig"]))


def check_construct(section, case, crypto):
    identity = Identity(crypto, bytes(32))
    given = [h(dep) for dep in case["given"]]
    made = intentions.create(crypto, identity, 1, 0, bytes(16), intentions.ZERO, given, b"")
    same("deps", [dep.hex() for dep in made.deps()], case["stored"])


def check_decode(section, case, crypto):
    body = h(case["bytes"])
    intention, error = outcome(intentions.parse, crypto, body)
    same("decodes", error is None, case["ok"])
    if case["ok"]:
        same("hash", intention.hash, h(case["hash"]))
        same("re-encoding equal", reencode(intention) == body, case["reencode_equal"])


def proto_result(crypto, message):
    """The reference's three outcomes of reading a SignedIntention."""
    try:
        SignedIntention.decode(message)
    except ProtocolError:
        return "protobuf-error", None
    intention, error = outcome(intentions.parse_signed, crypto, message)
    return ("ok" if error is None else "conversion-error"), intention


def check_proto(section, case, crypto):
    if case["result"] not in ("ok", "protobuf-error", "conversion-error"):
        raise unknown(section, case)
    message = h(case["bytes"])
    result, intention = proto_result(crypto, message)
    same("result", result, case["result"])
    if result != "ok":
        expect(outcome(intentions.parse_signed, crypto, message)[1] is not None, "parse_signed accepts it")
        return
    same("hash", intention.hash, h(case["hash"]))
    same("verify", intentions.verify(crypto, intention), case["verify"])
    same("re-encoding", intentions.signed(intention), h(case["reencode"]))

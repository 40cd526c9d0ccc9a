"""signature.json: single signatures, and those of intentions. One verification for everything: docs/differences.md."""

from judge import differences
from judge.cases import h, same, unknown
from lattice_core.model import intention as intentions

_VERDICTS = ("ok", "InvalidSignature", "InvalidPublicKey")


def check(section, case, context):
    crypto = context.crypto
    if section == "intentions":
        intention = intentions.parse_signed(crypto, h(case["signed"]))
        same("hash", intention.hash, h(case["hash"]))
        expected = differences.intention_verdict(case["verify"], intention.author)
        same("verify", intentions.verify(crypto, intention), expected)
        return
    if case["verify"] not in _VERDICTS or case["strict"] not in _VERDICTS:
        raise unknown(section, case)
    public, message, signature = h(case["pub"]), h(case["msg"]), h(case["sig"])
    ours = crypto.ed25519_verify(public, message, signature)
    same("strict", ours, differences.intention_verdict(case["strict"] == "ok", public))
    same("plain", ours, differences.record_verdict(case["verify"] == "ok", public, signature))
    same("many at once", crypto.ed25519_verify_many([(public, message, signature)]), [ours])

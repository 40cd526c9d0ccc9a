"""wire.json: invite_tokens, invite_parse."""

from judge.cases import h, outcome, same
from lattice_core.model import token


def check(section, case, context):
    if section == "invite_tokens":
        check_token(case, context.crypto)
    else:
        check_parse(case, context.crypto)


def check_token(case, crypto):
    made = token.Token(h(case["store_id"]), h(case["secret"]), h(case["inviter"]))
    same("token", made.encode(crypto), case["token"])
    same("token_hash", made.invite_id(crypto), h(case["token_hash"]))
    same("parse_ok", outcome(token.parse, crypto, case["token"])[1] is None, case["parse_ok"])


def check_parse(case, crypto):
    parsed, error = outcome(token.parse, crypto, case["token"])
    same("ok", error is None, case["ok"])
    if error is None:
        result = case["result"]
        got = (parsed.inviter, parsed.store_id, parsed.secret)
        same("result", got, (h(result["inviter"]), h(result["store_id"]), h(result["secret"])))
        same("listed", parsed.listed, ())

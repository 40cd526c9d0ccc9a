"""system.json: scenarios, nesting."""

from judge.cases import expect, h, intention, same, unknown
from judge.open_store import OpenStore, in_causal_order, intentions_of
from judge.system_rule import CHILD_STATUS, INVITE_STATUS, PEER_STATUS, SystemRule, peer_row
from judge.table_model import TableModel, check_recorded, check_table, key_of
from lattice_core.errors import ProtocolError
from lattice_core.model.ids import hex_text, uuid_text
from lattice_core.storage.contract import TABLE_SYSTEM
from lattice_core.wire import messages


def check(section, case, context):
    if section == "nesting":
        check_nesting(case, context.crypto)
    elif "orders" in case and "peer_1" in case:
        check_scenario(case, context.crypto)
    else:
        raise unknown(section, case)


def check_nesting(case, crypto):
    opened = OpenStore(crypto, case, "core:kvstore")
    item = intention(crypto, case["intention"])
    same("fate", opened.ingest(item), "witnessed")
    skipped = [hash for hash, _, _ in opened.weaver.skipped()]
    same("skipped", skipped, [] if case["applied"] else [item.hash])
    same("name", opened.system.name(), case["name"] or "")


def check_scenario(case, crypto):
    items = intentions_of(crypto, case)
    hashes = []
    for order in case["orders"]:
        for sequence in (order["arrival"], order["witnessed"]):
            opened = OpenStore(crypto, case, "core:kvstore")
            opened.ingest_all([items[i] for i in sequence])
            model = TableModel(items)
            skipped = apply_all(model, opened.witnessed())
            same(
                "witnessed", sorted([model.number_of(hash) for hash in opened.witnessed()]), sorted(order["witnessed"])
            )
            in_causal_order(opened.store)
            check_table(opened, TABLE_SYSTEM, model)
            same("skipped", sorted([hash for hash, _, _ in opened.weaver.skipped()]), sorted(skipped))
            hashes.append(opened.weaver.state_hash())
        same("head", opened.store.count, order["head"])
        recorded = case["orders"][0] if order.get("same_as_order_0") else order
        if recorded["stalled"]:
            expect(skipped, "the reference stalls and nothing is skipped here")
        else:
            check_recorded(opened, TABLE_SYSTEM, recorded["table"], model)
            check_reads(opened, case, recorded, model)
            check_tips(opened, recorded.get("meta_tips"))
    expect(len(set(hashes)) == 1, "the state depends on the order of arrival")


def check_tips(opened, rows):
    """The reference's rows `tip/` ‖ author are the ends of our chains."""
    for key, value in rows or ():
        if h(key)[:4] == b"tip/":
            same("tip", opened.store.chain(h(key)[4:])[1], h(value))


# -- the model: what an intention writes -----------------------------------------------------------------------------


def apply_all(model, hashes):
    """Applies intentions to the model in witness order; hashes of those that cannot be applied."""
    skipped = []
    for hash in hashes:
        number = model.number_of(hash)
        try:
            model.apply(number, writes(model.items[number]))
        except ProtocolError:
            skipped.append(hash)
    return skipped


def writes(item):
    """[(key, value or None)] of a system intention, by plain decoding, in the order of its operations."""
    values = messages.UniversalOp.decode(item.ops_bytes())
    found = []
    if "system" in values:
        for op in flat(values["system"]):
            found.extend(op_writes(op))
    return found


def flat(op):
    """The operations in an operation; batches laid flat."""
    if "batch" not in op:
        return [op]
    found = []
    waiting = list(reversed(op["batch"]["ops"]))
    while waiting:
        inner = waiting.pop()
        if "batch" in inner:
            waiting.extend(reversed(inner["batch"]["ops"]))
        else:
            found.append(inner)
    return found


def op_writes(op):
    if "hierarchy" in op:
        return child_writes(op["hierarchy"])
    if "peer" in op:
        stem = "peer/%s/" % hex_text(op["peer"]["pubkey"])
        return keyed_writes(stem, op["peer"], PEER_PARTS)
    if "invite" in op:
        stem = "invite/%s/" % hex_text(op["invite"]["token_hash"])
        return keyed_writes(stem, op["invite"], INVITE_PARTS)
    if "strategy" in op and "strategy" in op["strategy"].get("set", {}):
        return [(b"strategy", messages.PeerStrategy.encode(op["strategy"]["set"]["strategy"]))]
    if "store" in op and "set_name" in op["store"]:
        return [(b"name", messages.SetStoreName.encode(op["store"]["set_name"]))]
    return []


PEER_PARTS = (
    ("set_status", "status", messages.SetPeerStatus),
    ("set_added_at", "added_at", messages.SetPeerAddedAt),
    ("set_added_by", "added_by", messages.SetPeerAddedBy),
    ("set_name", "name", None),
)
INVITE_PARTS = (
    ("set_status", "status", messages.SetInviteStatus),
    ("set_invited_by", "invited_by", messages.SetInviteInvitedBy),
    ("set_claimed_by", "claimed_by", messages.SetInviteClaimedBy),
)


def keyed_writes(stem, op, parts):
    for name, part, message in parts:
        if name in op:
            value = op[name]["name"].encode() if message is None else message.encode(op[name])
            return [((stem + part).encode(), value)]
    return []


def child_writes(op):
    for name in ("add_child", "remove_child", "set_status"):
        if name not in op:
            continue
        values = op[name]
        if len(values["target_id"]) != 16:
            raise ProtocolError("a child id of the wrong length")
        stem = "child/%s/" % uuid_text(values["target_id"])
        if name == "add_child":
            pairs = [("name", values["alias"].encode()), ("type", values["store_type"].encode())]
        elif name == "remove_child":
            pairs = [("name", None), ("type", None), ("status", None)]
        else:
            pairs = [("status", (values["status"] & 0xFFFFFFFF).to_bytes(4, "little"))]
        return [((stem + part).encode(), value) for part, value in pairs]
    return []


# -- the readers -----------------------------------------------------------------------------------------------------


def check_reads(opened, case, recorded, model):
    """The readers against the rule (`system_rule.py`), and the rule against what is recorded wherever that does not
    derive from a row whose winner the reference leaves to chance, or from a status that is read otherwise here. Where a
    row breaks a whole call of the reference, here that row is left out."""
    weak = [key_of(row) for row in recorded["table"] if model.is_weak(row)]
    rule = SystemRule(model, weak)
    reads = recorded["reads"]
    check_peers(opened.system, rule, reads, h(case["peer_1"]))
    check_children(opened.system, rule, reads)
    same("strategy", strategy_text(opened.system), rule.strategy())
    if b"strategy" not in weak:
        same("recorded strategy", rule.strategy(), "Independent" if is_error(reads["strategy"]) else reads["strategy"])
    same("name", opened.system.name() or None, rule.name())
    if b"name" not in weak:
        same("recorded name", rule.name(), reads["name"])
    for invite_id, fields in reads["invites"]:
        check_invite(opened.system, rule, h(invite_id), fields)


def check_peers(system, rule, reads, peer_1):
    shown = {peer.key: peer_fields(peer) for peer in system.peers()}
    same("peers", [peer.key for peer in system.peers()], rule.peer_keys())
    shown[peer_1] = None if system.peer(peer_1) is None else peer_fields(system.peer(peer_1))
    recorded = [] if is_error(reads["peers"]) else [(h(fields["pubkey"]), fields) for fields in reads["peers"]]
    if not is_error(reads["peers"]):
        same("recorded peers", [key for key, _ in recorded], rule.peer_keys())
    for key, fields in recorded + [(peer_1, reads["peer_1"])]:
        same("peer", shown[key], rule.peer(key))
        if fields is None or shown[key] is None:
            same("recorded peer", shown[key], fields)
            continue
        if rule.status_is_sure(key):
            same("recorded status", shown[key]["status"], fields["status"])
        if peer_row(key, "name") not in rule.weak:
            same("recorded name of a peer", shown[key]["name"], fields["name"])


def check_children(system, rule, reads):
    children = [child_fields(child) for child in system.children()]
    same("children", children, rule.children())
    if is_error(reads["children"]):
        return
    recorded = {child["id"]: child for child in reads["children"]}
    for store_id in [child["id"] for child in children] + list(recorded):
        shown = {child["id"]: child for child in children}.get(store_id)
        stem = b"child/" + store_id.encode() + b"/"
        if stem + b"name" in rule.weak:
            continue  # whether it is there at all is left to chance
        expect(shown is not None and store_id in recorded, "children: %s is on one side only" % store_id)
        for part, field in ((b"name", "alias"), (b"type", "type"), (b"status", "status")):
            if stem + part not in rule.weak:
                same("recorded " + field, shown[field], recorded[store_id][field])


def check_invite(system, rule, invite_id, recorded):
    invite = system.invite(invite_id)
    shown = None if invite is None else invite_fields(invite)
    same("invite", shown, rule.invite(invite_id))
    if shown is None or recorded is None:
        same("recorded invite", shown, recorded)
        return
    if rule.invite_is_sure(invite_id):
        same("recorded invite status", shown["status"], recorded["status"])
    for field in ("invited_by", "claimed_by"):
        if b"invite/" + invite_id.hex().encode() + b"/" + field.encode() not in rule.weak:
            same("recorded " + field, shown[field], recorded[field])


def is_error(value):
    return isinstance(value, dict) and "error" in value


def peer_fields(peer):
    return {"status": PEER_STATUS[peer.status], "name": peer.name or None}


def child_fields(child):
    return {
        "id": uuid_text(child.id),
        "alias": child.name or None,
        "type": child.type or None,
        "status": CHILD_STATUS.get(child.status, "Unknown"),
    }


def strategy_text(system):
    strategy = system.strategy()
    if strategy == "snapshot":
        return "Snapshot(%s)" % uuid_text(system.snapshot())
    return None if strategy is None else strategy[0].upper() + strategy[1:]


def invite_fields(invite):
    return {
        "status": INVITE_STATUS[invite.status],
        "invited_by": None if invite.invited_by is None else invite.invited_by.hex(),
        "claimed_by": invite.claimed_by[0].hex() if invite.claimed_by else None,
    }

"""`stick setup`, `status`, `owner add`, `owner transfer`, `forget`."""

from typing import Annotated

import typer

from lattice_core.api.peers import shut_out
from lattice_core.api.rows import member_name
from lattice_core.errors import Refused, UsageError
from lattice_core.files.upkeep import ROOM_KEPT_BYTES
from lattice_core.node import peers
from lattice_core.node.stores import id_text

from .arguments import WAIT_FOR_STICK_S, Json, PortArgument, Store, Timeout, noun
from .connect import StickPort, key_of_member, outcome_of
from .context import desk, now_ms
from .output import count_text, emit, say, size_text, warn
from .peer import show_shut_out

app = noun("Sticks: setting one up, asking how it is, owners.")
owner = noun("Who may administer a stick.")
app.add_typer(owner, name="owner")

_FORKED = (
    "a copy of this stick's flash was used too, so its identity has written two histories: it carries what others "
    "write and lets nobody in. Reset it with its button and set it up again"
)

Member = Annotated[str, typer.Argument(metavar="MEMBER", help="Name, or id (64 hex digits or its beginning).")]


@app.command()
def setup(
    ctx: typer.Context,
    port: PortArgument,
    store: Store = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the stick, `stick` if left out.")] = None,
    timeout: Timeout = WAIT_FOR_STICK_S,
    json: Json = False,
) -> None:
    """Take a fresh stick into the share of S. This node becomes its owner; `sync` then fills it.

    A stick of this node that was revoked (`stick forget`) is let in again."""
    with desk(ctx) as on:
        wire = StickPort(on, port)
        shown = _ask(wire, timeout)
        if shown["owned"]:
            root = _let_in_again(on, wire.peer_key, shown, store)
            if name not in (None, shown["name"]):
                warn("the stick keeps its name %s" % shown["name"])
            name = shown["name"]
        else:
            root, name = on.node.find_root(store), name or "stick"
            wire.talk(lambda peer: peer.start(_set_up(peer, root, name), "setup"), timeout)
        wire.remember(name)
        data = {"id": wire.peer_key.hex(), "name": name, "share": id_text(root.id), "let_in_again": shown["owned"]}
    emit(json, data, _show_setup)


def _let_in_again(on, key, shown, store):
    """The share into which a stick is let in that obeys this node and was revoked. Refused for any other stick."""
    node = on.node
    if node.identity.public not in shown["owners"]:
        raise Refused(
            "this stick is owned by somebody else; its owner can let you in, or its button resets it (which erases it)",
            "not_the_owner",
        )
    there = [one["id"] for one in shown["stores"]]
    shares = [root for root in node.roots() if root.id in there]
    if not shares:
        raise Refused(
            "this stick is yours, but none of its shares is here: `join` it with an invite of a member, or reset the "
            "stick with its button (which erases it)",
            "not_a_member",
        )
    if store is not None and node.find_root(store) not in shares:
        raise Refused(
            "this stick is yours already, in share %s; its button resets it (which erases it)" % shares[0].label(),
            "already_member",
        )
    for root in shares:
        if not peers.is_active(node, root, key):
            node.admit(root, key, "", now_ms())
            node.note_stick(root, key)
            on.commit()
            return root
    raise Refused("this stick is yours already; `sync` is enough", "already_member")


def _show_setup(data):
    if data["let_in_again"]:
        say("stick %s (%s) is let in again; `sync` tells it" % (data["name"], data["id"][:8]))
        return
    say("stick %s (%s) is set up and yours; `sync` fills it" % (data["name"], data["id"][:8]))


def _ask(wire, timeout):
    """The stick's Status."""
    answer = wire.talk(lambda peer: peer.status(), timeout)
    return answer["status"]


def _set_up(peer, root, name):
    """Task: the setup, unless it has happened before an interruption."""
    answer = yield from outcome_of(peer.status())
    if peer.node.identity.public not in answer["status"]["owners"]:
        yield from outcome_of(peer.setup(root, name, now_ms()))


@app.command()
def status(ctx: typer.Context, port: PortArgument, timeout: Timeout = WAIT_FOR_STICK_S, json: Json = False) -> None:
    """Ask the stick behind PORT how it is. Who is no member learns its version and whether it is owned."""
    with desk(ctx) as on:
        wire = StickPort(on, port)
        shown = _ask(wire, timeout)
        data = _status(on.node, shown)
        if shown["member"]:
            wire.remember(shown["name"])
    emit(json, data, _show_status)


def _status(node, shown):
    data = {"version": shown["version"], "state": shown["state"] or ("owned" if shown["owned"] else "fresh")}
    if not shown["member"]:
        return data
    total, used = shown["flash_total"], shown["flash_used"]
    free = max(total - used, 0)
    owners = [{"id": key.hex(), "name": node.peer_name(key)} for key in shown["owners"]]
    data.update(
        {
            "id": shown["id"].hex(),
            "name": shown["name"],
            "owner": owners[0]["id"] if owners else None,
            "owners": owners,
            "stores": [
                {
                    "id": id_text(store["id"]),
                    "name": _own_name(node, store),
                    "type": store["type"],
                    "intentions": store["intentions"],
                    "files": store["files"],
                    "waiting": store["waiting"],
                    "waiting_bytes": store["waiting_bytes"],
                }
                for store in shown["stores"]
            ],
            "store_count": max(shown["store_count"], len(shown["stores"])),
            "files": shown["files"],
            "flash": {"total": total, "used": used, "free": free, "for_files": max(free - ROOM_KEPT_BYTES, 0)},
            "last_error": shown["last_error"] or None,
            "forked": shown["forked"],
            "damage": shown["damage"] or None,
            "safe_to_unplug": shown["safe_to_unplug"],
        }
    )
    return data


def _own_name(node, store):
    """The name that this node knows a store by; what the stick says is cut to what its answer has room for."""
    handle = node.get(store["id"])
    return store["name"] if handle is None else handle.name


def _show_status(data):
    if "id" not in data:
        more = "more is shown to its owners and to members that it has heard of only"
        if data["state"] == "fresh":
            more = "`stick setup PORT` takes it into a share and makes it yours"
        say("firmware %s, %s; %s" % (data["version"], data["state"], more))
        return
    say("%s  %s" % (data["name"], data["id"]))
    say("firmware %s, %s by %s" % (data["version"], data["state"], _names(data["owners"])))
    flash = data["flash"]
    sizes = tuple(size_text(flash[part]) for part in ("used", "total", "free", "for_files"))
    say("flash: %s of %s used, %s free, %s of it for files" % sizes)
    for store in data["stores"]:
        counts = count_text(store["intentions"], "intention"), count_text(store["files"], "file")
        say("  %s  %s, %s, %s" % (store["name"] or "(share)", store["type"], *counts))
        if store["waiting"]:
            waits = count_text(store["waiting"], "write"), size_text(store["waiting_bytes"])
            say("    %s (%s) not taken in: what they build on is not there; `sync` says whose" % waits)
    if data["store_count"] > len(data["stores"]):
        say("  and %s more" % count_text(data["store_count"] - len(data["stores"]), "store"))
    if data["forked"]:
        say("READ ONLY: %s" % _FORKED)
    if data["damage"]:
        say("DAMAGED: %s" % data["damage"])
    if data["last_error"]:
        say("last error: %s" % data["last_error"])
    say("safe to unplug" if data["safe_to_unplug"] else "BUSY: do not unplug yet")


def _names(owners):
    """Names; where one stands twice, with the beginning of the id."""
    names = [owner["name"] for owner in owners]
    shown = []
    for name, owner in zip(names, owners, strict=True):
        shown.append("%s (%s)" % (name, owner["id"][:8]) if name and names.count(name) > 1 else name or owner["id"][:8])
    return ", ".join(shown) or "nobody"


@owner.command("add")
def add_owner(
    ctx: typer.Context, port: PortArgument, member: Member, timeout: Timeout = WAIT_FOR_STICK_S, json: Json = False
) -> None:
    """Let a member administer the stick too."""
    _change_owner(ctx, port, member, timeout, json, "owner_add", "%s is an owner of this stick now, too")


@owner.command("transfer")
def transfer_owner(
    ctx: typer.Context, port: PortArgument, member: Member, timeout: Timeout = WAIT_FOR_STICK_S, json: Json = False
) -> None:
    """Hand the stick over: the member owns it, this node no longer does."""
    _change_owner(ctx, port, member, timeout, json, "owner_transfer", "%s owns this stick now, you no longer do")


def _change_owner(ctx, port, member, timeout, as_json, command, text):
    with desk(ctx) as on:
        key = key_of_member(on.node, member)
        wire = StickPort(on, port)

        def change(peer):
            if key == peer.key:
                raise UsageError("a stick cannot own itself: name a member", "own_identity")
            return getattr(peer, command)(key)

        answer = wire.talk(change, timeout)
        data = {"owner": key.hex(), "name": member_name(on.node, key), "known_there": not answer["done"]["unheard"]}
        if key == on.node.identity.public:
            text = "%s was an owner of this stick already and stays one"
    emit(as_json, data, lambda done: _show_owner(text, done))


def _show_owner(text, done):
    say(text % (done["name"] or done["owner"][:8]))
    if not done["known_there"]:
        say("The stick has not heard that this is a member: `sync` it, or its new owner cannot use what is on it.")


@app.command()
def forget(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the stick or beginning of its id.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """Revoke a stick that is lost or given away. What is on it stays on it."""
    with desk(ctx) as on:
        root = on.node.find_root(store)
        key = peers.find(on.node, root, name)
        data = shut_out(on.node, root, key, now_ms())
        on.node.forget_stick(root, key)
        on.commit()
        on.directory.forget_stick(key.hex())
    emit(json, data, show_shut_out)

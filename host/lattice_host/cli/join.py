"""`join`: entering a share with a token."""

from typing import Annotated

import typer

from lattice_core.errors import ProtocolError, UsageError
from lattice_core.model import token as tokens
from lattice_core.node.stores import id_text

from .arguments import WAIT_FOR_STICK_S, Json, Timeout
from .connect import Wire
from .context import desk
from .endings import PartlyDone
from .output import emit, say
from .sync import explain, outcome


def join(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="What `invite` printed.")],
    via: Annotated[str, typer.Option("--via", metavar="PORT", help="Who to join at; `auto` finds a stick.")] = "auto",
    timeout: Timeout = WAIT_FOR_STICK_S,
    json: Json = False,
) -> None:
    """Join a share at whoever is behind PORT and fetch all of its stores."""
    with desk(ctx, make=True) as on:
        node = on.node
        parsed = parsed_token(node.crypto, token)
        node.begin_join(parsed)
        wire = Wire(on, via)

        def command(peer):
            # After an interruption the join may have succeeded already: then only the fetching is left.
            return peer.join(parsed) if node.get(parsed.store_id) is None else peer.sync()

        report = wire.talk(command, timeout, give_time=True)
        name = node.peer_name(wire.peer_key)
        wire.remember(name)
        root = node.find(id_text(parsed.store_id))
        data = {
            "share": id_text(root.id),
            "at": {"id": wire.peer_key.hex(), "name": name},
            "stores": [
                {"id": id_text(handle.id), "name": handle.name, "type": handle.type} for handle in node.children(root)
            ],
        }
        data.update(wire.moved())
        data.update(outcome(node, report))
    emit(json, data, _show)
    explain(data)
    if not data["complete"]:
        raise PartlyDone("joined, but not everything has come; `sync` goes on")


def parsed_token(crypto, text):
    try:
        return tokens.parse(crypto, text.strip())
    except ProtocolError as error:
        raise UsageError(
            "this is no token (%s); copy all of it, a typing mistake shows as a wrong checksum" % error
        ) from None


def _show(data):
    names = ", ".join(store["name"] or store["id"] for store in data["stores"]) or "no stores yet"
    say("joined share %s at %s: %s" % (data["share"][:8], data["at"]["name"] or data["at"]["id"][:8], names))

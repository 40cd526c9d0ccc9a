"""`join`: entering a share with a token."""

import os
import re
from typing import Annotated

import typer

from lattice_core.errors import ProtocolError, UsageError
from lattice_core.model import token as tokens
from lattice_core.node.stores import id_text

from .. import crypto, standard_input
from .arguments import WAIT_FOR_STICK_S, Json, Timeout
from .connect import StickPort
from .context import desk, now_ms
from .endings import PartlyDone
from .output import emit, say, time_text, warn
from .sync import explain, outcome

_FILE_BYTES = 65536  # read of a file; a token has 400
_A_TOKEN = "a file with a token"
_QUOTED = re.compile(r"^[ \t>|]+", re.M)
_LIKE_A_PATH = re.compile(r"[^>\n]*[/.~]")  # none of these is in a token


def join(
    ctx: typer.Context,
    token: Annotated[
        list[str], typer.Argument(metavar="TOKEN", help="What `invite` printed, a file that holds it, or - for stdin.")
    ],
    via: Annotated[str, typer.Option("--via", metavar="PORT", help="Who to join at; `auto` finds a stick.")] = "auto",
    timeout: Timeout = WAIT_FOR_STICK_S,
    json: Json = False,
) -> None:
    """Join a share at whoever is behind PORT and fetch all of its stores. Repeated, it goes on where it was cut."""
    parsed = parsed_token(crypto, *token)
    if parsed.is_over(now_ms()):
        raise UsageError(
            "this invite expired on %s: ask for a new one" % time_text(parsed.expires_s * 1000), "invite_expired"
        )
    with desk(ctx, make=True) as on:
        node = on.node
        on.unused = True
        node.begin_join_again(parsed)
        if node.get(parsed.store_id) is not None:
            warn("this node is in that share already, or was; going on with what is missing")
        wire = StickPort(on, via)

        def command(peer):
            on.unused = False  # somebody was reached
            # Whoever is a member is let in again without a write, and no invite is used up. Where the secret may not be
            # shown, a share that is here can still be synced.
            here = node.get(parsed.store_id) is not None
            return peer.sync() if here and not parsed.may_be_shown_to(peer.key) else peer.join(parsed, here)

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


def _text(words):
    """The token's text: as arguments, from a file or from stdin. Blanks and line breaks in it count for nothing, nor do
    the marks before quoted lines: mail programs break and quote."""
    text = "\n".join(words)
    if words == ("-",):
        text = _decoded(standard_input.read(_FILE_BYTES, _A_TOKEN))
    elif len(words) == 1 and os.path.isfile(words[0]):
        text = _decoded(standard_input.read_file(words[0], _FILE_BYTES, _A_TOKEN))
    elif len(words) == 1 and _LIKE_A_PATH.match(text):
        is_there = "%s is no file" if os.path.lexists(text) else "there is no file %s"
        raise UsageError(
            (is_there + "; a token is given as its text, as a file that holds it, or as -") % text, "bad_token"
        )
    return "".join(_QUOTED.sub("", text).split())


def _decoded(data):
    return data.decode("utf-8", "replace").lstrip("\ufeff")


def parsed_token(crypto, *words):
    """The Token that somebody has given; UsageError in words when it is none."""
    try:
        return tokens.parse(crypto, _text(words))
    except ProtocolError as error:
        raise UsageError(
            "this is no token, and no file that holds one (%s); copy all of it, a typing mistake shows as a wrong "
            "checksum" % error,
            "bad_token",
        ) from None


def _show(data):
    names = ", ".join(store["name"] or store["id"] for store in data["stores"]) or "no stores yet"
    say("joined share %s at %s: %s" % (data["share"][:8], data["at"]["name"] or data["at"]["id"][:8], names))

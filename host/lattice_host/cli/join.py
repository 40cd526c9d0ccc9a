"""`join`: entering a share with a token."""

import os
import re
from typing import Annotated

import typer

from lattice_core.errors import UsageError

from .. import standard_input
from ..clock import now_ms
from ..service.syncing import parsed_token
from .arguments import WAIT_FOR_STICK_S, Json, Timeout
from .connect import run
from .endings import PartlyDone
from .output import emit, say, time_text
from .sync import explain

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
    text = token_text(*token)
    parsed = parsed_token(text)
    if parsed.is_over(now_ms()):
        raise UsageError(
            "this invite expired on %s: ask for a new one" % time_text(parsed.expires_s * 1000), "invite_expired"
        )
    data = run(ctx, "sync.join", token=text, via=via, timeout_s=timeout)
    emit(json, data, _show)
    explain(data)
    if not data["complete"]:
        raise PartlyDone("joined, but not everything has come; `sync` goes on")


def token_text(*words: str) -> str:
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


def _show(data):
    names = ", ".join(store["name"] or store["id"] for store in data["stores"]) or "no stores yet"
    say("joined share %s at %s: %s" % (data["share"][:8], data["at"]["name"] or data["at"]["id"][:8], names))

"""`sync`: one full session both ways with what is behind a port."""

import typer

from lattice_core.text import printable

from .arguments import WAIT_FOR_STICK_S, Json, PortArgument, Timeout
from .connect import run
from .endings import PartlyDone
from .forks import waiting_text, who
from .members import claim_text
from .output import count_text, duration_text, emit, say, size_text, warn


def sync(ctx: typer.Context, port: PortArgument, timeout: Timeout = WAIT_FOR_STICK_S, json: Json = False) -> None:
    """Synchronise with what is behind PORT, both ways. Status 0 only when both sides have acknowledged everything."""
    data = run(ctx, "sync.run", port=port, timeout_s=timeout)
    emit(json, data, show)
    explain(data)
    if not data["complete"]:
        raise PartlyDone("not everything was carried over; see above")


def show(data):
    for direction in ("sent", "received"):
        counts = data[direction]
        say(
            "%-8s %s, %s, %s"
            % (
                direction,
                count_text(counts["intentions"], "intention"),
                count_text(counts["blobs"], "blob"),
                size_text(counts["bytes"]),
            )
        )
    state = "complete" if data["complete"] else "NOT complete"
    say("%s with %s in %s" % (state, data["name"] or data["peer"][:8], duration_text(data["seconds"])))


def explain(data):
    """What was left behind, on stderr."""
    _explain_room(data, data.get("name") or "the other side")
    if data["missing"]:
        warn(
            "%s of files that are listed here %s not on the other side either; `file list` says who holds them"
            % (count_text(data["missing"], "piece"), "is" if data["missing"] == 1 else "are")
        )
    if data["missing_there"]:
        warn(
            "%s of files that the other side wants %s not here; `file list` and `store verify` say more"
            % (count_text(data["missing_there"], "piece"), "is" if data["missing_there"] == 1 else "are")
        )
    _explain_damage(data)
    for item in data["refused"]:
        side = "the other side refused" if item["by_peer"] else "refused"
        warn("%s a write of %s, and what follows it: %s" % (side, who(item), item["reason"]))
    for count, where in ((data["refused_here"], "here"), (data["refused_there"], "on the other side")):
        if count:
            warn("%s not taken %s, with what follows" % (count_text(count, "write was", "writes were"), where))
    if data["not_sent"]:
        warn(
            "%s that the other side lists did not come: it may be damaged there, `store verify` says so"
            % count_text(data["not_sent"], "write")
        )
    if data["own_unheld"]:
        warn(
            "%s of this node %s not known to be held by the other side: keep this copy"
            % (count_text(data["own_unheld"], "write"), "is" if data["own_unheld"] == 1 else "are")
        )
    for item in data["forks"]:
        warn("%s has written two different histories (a fork); both sides keep theirs" % who(item))
    if data["read_only"]:
        warn("READ ONLY: %s" % data["read_only"])
    for item in data["waiting"]:
        forkers = [who(fork) for fork in data["forks"] if fork["store"] == item["store"]]
        warn(waiting_text(item, forkers, "here" if item["here"] else "on the other side"))
    for item in data["passed_over"]:
        warn("not synced here: %s" % item["why"])
    for item in data["errors"]:
        warn("store %s: %s" % (item["store"], item["error"]))
    for item in data["second_claims"]:
        warn(claim_text(item))
    for item in data["double_claims"]:
        _explain_double_claim(item)


def _explain_damage(data):
    for path in data["damaged"]:
        warn("%s: a piece of it is damaged on the other side, which was told; whoever has it brings it again" % path)
    if data["damaged_count"] and not data["damaged"]:
        warn("%s damaged on the other side, which was told" % count_text(data["damaged_count"], "piece"))
    if data["withheld"]:
        warn(
            "the other side could not give %s: damaged there, or its list of members is; `sync` again"
            % count_text(data["withheld"], "intention")
        )
    if data["damaged_here"]:
        warn(
            "%s (writes, or pieces of files) damaged on this disk, or behind one that is: `sync` with whoever has them"
            % count_text(data["damaged_here"], "item")
        )


def _explain_room(data, there):
    """Whose room is short, how much is left, and what to do."""
    for item in data["unfit"]:
        where = there if item["there"] else "this computer's disk"
        warn("no room on %s for %s (%s)" % (printable(where), item["path"], size_text(item["size"])))
    refused = [item for item in data["refused"] if "no room" in item["reason"]]
    more = data["unfit_count"] - len(data["unfit"]) - len([item for item in refused if item["by_peer"]])
    if more > 0:
        warn("no room for %d more" % more)
    for is_there, where, room in ((True, "there", data["room_there"]), (False, "here", data["room_here"])):
        stores = sorted({item["store"] for item in data["unfit"] if item["there"] == is_there})
        if stores:
            commands = " or ".join("`file rm NAME --store %s`" % store[:8] for store in stores)
            warn(
                "%s are left %s for files. %s makes room (the file goes for every member of the store; get it first "
                "if it shall stay with you), and the same `sync` goes on" % (size_text(room), where, commands)
            )
    for by_peer, count in ((True, data["refused_there"]), (False, data["refused_here"])):
        named = len([item for item in refused if item["by_peer"] == by_peer])
        if named and count > named:
            warn("%d more wait behind %s" % (count - named, "it" if named == 1 else "them"))
    if refused:
        warn("make room where it is short, and the same `sync` goes on")


def _explain_double_claim(item):
    """Two members that had not met let somebody in with one invite: people decide who was meant."""
    warn("invite %s let in %d nodes; shut out whom you did not mean:" % (item["invite"][:16], len(item["claimed_by"])))
    for claimer in item["claimed_by"]:
        command = "lattice-host peer revoke %s --store %s" % (claimer["id"], item["share"])
        warn("  %s: `%s`" % (printable(claimer["name"]) or claimer["id"][:8], command))

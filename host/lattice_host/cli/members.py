"""Members as people read them: names, what there is to know beside a status, where a Rust node may see it otherwise."""


def shown(item):
    """A name, else the beginning of the id."""
    return item["name"] or item["id"][:8]


def notes(row):
    """What there is to know about a member beside its status."""
    found = [word for word, yes in (("this node", row["self"]), ("stick", row["stick"])) if yes]
    if row["store"]:
        found.append("only in store %s" % row["store"][:8])
    if row["let_in_by"] and row["let_in_by"]["revoked"]:
        found.append("let in by %s, who is revoked" % shown(row["let_in_by"]))
    if row["named_by"]:
        found.append("named by %s" % shown(row["named_by"]))
    if row["disputed"]:
        found.append("a Rust node may see another status")
    return ", ".join(found)


def claim_text(claim):
    return "store %s (%s) is declared by share %s, too, but came here through %s and stays with that" % (
        claim["name"] or "without a name",
        claim["id"][:8],
        claim["share"][:8],
        claim["stays_with"][:8],
    )

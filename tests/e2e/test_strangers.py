"""Nobody gets in who was not invited, and who is refused reads why."""

import pytest

from e2e.world import Computer, EmulatedStick


@pytest.fixture
def desk(tmp_path):
    """A laptop whose stick carries its share; the stick stays plugged in."""
    laptop = Computer(tmp_path / "laptop", "laptop")
    laptop.run("store", "create", "diary-of-anna")
    laptop.run("kv", "put", "a", "1", "--store", "diary-of-anna")
    stick = EmulatedStick(tmp_path / "stick.img")
    with stick:
        laptop.run("stick", "setup", stick.port, "--store", "diary-of-anna", "--name", "carrier")
        yield laptop, stick, tmp_path


def refused(result, *words):
    """The command ended with an error that says one of `words` and names nothing of the store."""
    assert result.returncode != 0, result.stdout
    assert any(word in result.stderr.lower() for word in words), result.stderr
    assert "diary" not in result.stdout + result.stderr, "a stranger learned a store's name"
    assert "Traceback" not in result.stderr
    return result


def test_a_stranger_learns_the_version_and_owned(desk):
    _laptop, stick, folder = desk
    stranger = Computer(folder / "stranger", "stranger")
    shown = stranger.json("stick", "status", stick.port)
    assert shown["state"] == "owned"
    assert shown["version"]
    assert "stores" not in shown or not shown["stores"]
    assert "diary" not in str(shown)
    refused(stranger.attempt("sync", stick.port), "member", "invited", "invite", "nothing")
    refused(stranger.attempt("stick", "setup", stick.port, "--name", "mine"), "owned", "owner")


def test_wrong_used_and_revoked_tokens(desk):
    laptop, stick, folder = desk
    token = laptop.json("invite")["token"]
    revoked = laptop.json("invite")
    laptop.run("sync", stick.port)
    guest = Computer(folder / "guest", "guest")
    refused(guest.attempt("join", token[:-1] + ("2" if token[-1] != "2" else "3"), "--via", stick.port), "token", "typ")
    guest.run("join", token, "--via", stick.port)
    late = Computer(folder / "late", "late")
    refused(late.attempt("join", token, "--via", stick.port), "used", "claimed", "redeemed")
    invites = laptop.json("invite", "list")["invites"]
    assert len(invites) == 2
    identity = [row["id"] for row in invites if row["status"] == "valid"]
    for each in identity:
        laptop.run("invite", "revoke", each)
    laptop.run("sync", stick.port)
    refused(late.attempt("join", revoked["token"], "--via", stick.port), "revoked")


def test_a_revoked_peer_is_refused(desk):
    laptop, stick, folder = desk
    token = laptop.json("invite")["token"]
    laptop.run("sync", stick.port)
    guest = Computer(folder / "guest", "guest")
    guest.run("join", token, "--via", stick.port)
    guest.run("sync", stick.port)
    laptop.run("sync", stick.port)
    laptop.run("peer", "revoke", guest.json("status")["id"])
    laptop.run("sync", stick.port)
    result = guest.attempt("sync", stick.port)
    assert result.returncode != 0, result.stderr
    assert "revoked" in result.stderr.lower(), result.stderr


def test_a_token_that_does_not_list_this_stick_is_not_shown_to_it(desk):
    laptop, stick, folder = desk
    token = laptop.json("invite")["token"]
    impostor = Computer(folder / "impostor", "impostor")
    impostor.run("store", "create", "bait")
    with EmulatedStick(folder / "other.img") as other:
        impostor.run("stick", "setup", other.port, "--store", "bait", "--name", "carrier")
        guest = Computer(folder / "guest", "guest")
        result = guest.attempt("join", token, "--via", other.port)
        assert result.returncode != 0
        assert laptop.json("status")["id"][:8] in result.stderr, "it says where the invite can be redeemed"
    laptop.run("sync", stick.port)
    guest.run("join", token, "--via", stick.port)

"""The main job with a stick that is a Cortex-M33 and runs what is frozen into a board: the host's own serial driver at
one end, the machine's serial port at the other."""

import json
import random

import pytest

from e2e.world import Computer, EmulatedStick
from qemu import machine

KIB = 1024
CUT_AT = 30  # operations of the flash: in the middle of a sync
CUT_STATUS = 75


@pytest.fixture
def plug(tmp_path):
    """plug(OPTION …) gives a plugged-in stick on a fresh chip; it is pulled at the end."""
    machine.build_stick()
    stick = EmulatedStick(tmp_path / "stick.img", options=["--qemu"])
    yield stick.plug
    stick.pull()


@pytest.fixture
def laptop(tmp_path):
    host = Computer(tmp_path / "laptop", "laptop")
    host.run("store", "create", "notes")
    return host


def put(host, folder, name, size, seed):
    path = folder / name
    path.write_bytes(random.Random(seed).randbytes(size))
    host.run("file", "put", path, "--store", "notes")
    return path.read_bytes()


def test_files_go_over_a_stick_whose_power_is_cut(laptop, plug, tmp_path):
    stick = plug()
    laptop.run("stick", "setup", stick.port, "--store", "notes", "--name", "carrier")
    first = put(laptop, tmp_path, "first", 20 * KIB, 1)
    token = laptop.json("invite")["token"]
    assert laptop.json("sync", stick.port)["complete"] is True
    stick.pull()
    plug()
    desktop = Computer(tmp_path / "desktop", "desktop")
    desktop.run("join", token, "--via", stick.port)
    desktop.run("kv", "put", "from", "desktop", "--store", "notes")
    desktop.run("sync", stick.port)
    second = put(laptop, tmp_path, "second", 20 * KIB, 2)
    stick.pull()
    plug("--cut-at", CUT_AT)
    syncing = laptop.start("sync", stick.port, "--json")
    assert stick.process.wait(timeout=300) == CUT_STATUS
    stick.pull()
    plug()
    output, errors = syncing.communicate(timeout=300)
    assert syncing.returncode == 0, errors
    assert json.loads(output)["complete"] is True
    assert laptop.json("kv", "get", "from", "--store", "notes")["value"] == "desktop"
    assert desktop.json("sync", stick.port)["complete"] is True
    for name, content in (("first", first), ("second", second)):
        desktop.run("file", "get", name, tmp_path / "out", "--store", "notes")
        assert (tmp_path / "out").read_bytes() == content
        (tmp_path / "out").unlink()
    for host in (laptop, desktop):
        assert host.json("store", "verify")["clean"] is True
    status = laptop.json("stick", "status", stick.port)
    assert status["safe_to_unplug"] is True


def test_the_button_erases_the_stick(laptop, plug, tmp_path):
    stick = plug()
    laptop.run("stick", "setup", stick.port, "--store", "notes", "--name", "carrier")
    stick.pull()
    plug("--factory-reset")
    laptop.run("stick", "setup", stick.port, "--store", "notes", "--name", "carrier again")

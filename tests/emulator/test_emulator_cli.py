"""tools/emulator.py: plugging in, pulling, replugging, a bad line, a power cut, the button."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from e2e.world import CommandFailed, Computer, EmulatedStick
from emulator import interpreter

CUT_STATUS = 75


@pytest.fixture(scope="module", autouse=True)
def built():
    interpreter.command()


def set_up(tmp_path, *options):
    """A laptop and the stick that it has just set up, still plugged in."""
    laptop = Computer(tmp_path / "laptop", "laptop")
    laptop.run("store", "create", "notes")
    stick = EmulatedStick(tmp_path / "stick.img", options=options).plug()
    laptop.run("stick", "setup", stick.port, "--store", "notes", "--name", "blue")
    return laptop, stick


def status(host, stick):
    return host.json("stick", "status", stick.port)


def test_the_port_comes_and_goes_with_the_process(tmp_path):
    stick = EmulatedStick(tmp_path / "stick.img").plug()
    port = pathlib.Path(stick.port)
    assert port.resolve().is_char_device()
    os.kill(stick.pid, 0)
    stick.process.send_signal(signal.SIGTERM)
    assert stick.process.wait(timeout=10) == 0
    stick.process.stdout.close()
    assert not port.is_symlink()
    with pytest.raises(ProcessLookupError):
        os.kill(stick.pid, 0)


def test_killing_the_interpreter_is_pulling_the_plug(tmp_path):
    stick = EmulatedStick(tmp_path / "stick.img").plug()
    os.kill(stick.pid, signal.SIGKILL)
    assert stick.process.wait(timeout=10) == 0
    assert not pathlib.Path(stick.port).is_symlink()
    stick.process.stdout.close()


def test_a_stick_that_is_plugged_in_again_is_the_same(tmp_path):
    laptop, stick = set_up(tmp_path)
    first = status(laptop, stick)
    stick.pull()
    stick.plug()
    again = status(laptop, stick)
    assert first["id"] == again["id"]
    assert again["owner"]
    assert again["state"] == first["state"]
    assert again["flash"]["total"] < 4 << 20
    assert again["flash"]["free"] > 2_000_000
    stick.pull()


def test_a_larger_chip(tmp_path):
    laptop = Computer(tmp_path / "laptop", "laptop")
    laptop.run("store", "create", "notes")
    with EmulatedStick(tmp_path / "stick.img", "16M") as stick:
        laptop.run("stick", "setup", stick.port, "--store", "notes")
        assert status(laptop, stick)["flash"]["free"] > 13_000_000
    assert (tmp_path / "stick.img").stat().st_size == 16 << 20


def test_a_bad_line_is_survived(tmp_path):
    faults = ("--lose", "0.0002", "--corrupt", "0.0002", "--delay", "3", "--seed", "5")
    laptop, stick = set_up(tmp_path, *faults)
    laptop.run("kv", "put", "key", "x" * 3000, "--store", "notes")
    assert laptop.json("sync", stick.port)["complete"]
    stick.pull()


def test_a_power_cut_ends_the_process_with_a_status_of_its_own(tmp_path):
    laptop, stick = set_up(tmp_path)
    before = status(laptop, stick)
    stick.pull()
    laptop.run("kv", "put", "key", "value", "--store", "notes")
    stick.plug("--cut-at", "9")
    sync = laptop.start("sync", stick.port)
    assert stick.process.wait(timeout=60) == CUT_STATUS
    sync.kill()
    sync.communicate()
    stick.process = None
    stick.plug()
    assert laptop.json("sync", stick.port)["complete"]
    assert status(laptop, stick)["id"] == before["id"]
    stick.pull()


def test_the_button_erases_only_when_held_long_enough(tmp_path):
    laptop, stick = set_up(tmp_path)
    before = status(laptop, stick)
    stick.pull()
    stick.plug("--press-button", "300")
    assert status(laptop, stick)["id"] == before["id"]
    stick.pull()
    stick.plug("--factory-reset")
    after = laptop.json("stick", "status", stick.port)
    assert after["state"] == "fresh"
    stick.pull()
    assert before["id"].encode() not in stick.image.read_bytes()


def test_no_socket_is_open(tmp_path):
    stick = EmulatedStick(tmp_path / "stick.img").plug()
    for pid in (stick.pid, stick.process.pid):
        targets = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        assert not [target for target in targets if target.startswith("socket:")]
    stick.pull()


def test_a_damaged_chip_is_named_and_left_alone(tmp_path):
    image = tmp_path / "stick.img"
    with EmulatedStick(image):
        pass
    data = bytearray(image.read_bytes())
    start = 1572864
    data[start : start + 8192] = bytes(8192)
    data[start + 40960 : start + 41216] = bytes(256)
    image.write_bytes(data)
    words = [sys.executable, "tools/emulator.py", "--flash", str(image)]
    done = subprocess.run(words, cwd=interpreter.ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert json.loads(done.stdout)["port"]
    assert image.read_bytes() == bytes(data)


def test_nobody_home(tmp_path):
    laptop = Computer(tmp_path / "laptop", "laptop")
    with pytest.raises(CommandFailed):
        laptop.run("stick", "status", str(tmp_path / "nothing"))

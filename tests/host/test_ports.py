"""Ports: finding, explaining and using them; a pty stands for a stick's port."""

import errno
import os
import pty
import types

import pytest

from lattice_core.errors import UsageError
from lattice_host.serial import ports
from lattice_host.serial.port import Port, PortError, PortLost


@pytest.fixture
def pair():
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    os.close(slave)
    yield master, path
    os.close(master)


def comport(device, vid=None, pid=None):
    return types.SimpleNamespace(device=device, vid=vid, pid=pid)


def on_the_bus(monkeypatch, *found):
    monkeypatch.setattr(ports.list_ports, "comports", lambda: list(found))


PICO = comport("/dev/ttyACM0", 0x2E8A, 0x0005)
MODEM = comport("/dev/ttyUSB3", 0x12D1, 0x1506)


def test_auto_takes_the_only_stick(monkeypatch):
    on_the_bus(monkeypatch, MODEM, PICO, comport("/dev/ttyS0"))
    assert ports.chosen("auto") == "/dev/ttyACM0"
    assert ports.chosen("/dev/anything") == "/dev/anything"


def test_auto_lists_several(monkeypatch, tmp_path):
    seen = tmp_path / "port"
    seen.touch()
    on_the_bus(monkeypatch, PICO)
    with pytest.raises(UsageError, match="several ports.*/dev/ttyACM0, " + str(seen)):
        ports.chosen("auto", [str(seen), str(tmp_path / "gone"), "/dev/ttyACM0"])


def test_auto_without_a_stick_says_what_is_there(monkeypatch):
    on_the_bus(monkeypatch, MODEM)
    with pytest.raises(UsageError, match="/dev/ttyUSB3"):
        ports.chosen("auto")
    on_the_bus(monkeypatch)
    with pytest.raises(UsageError, match="plugged in"):
        ports.chosen("auto")


def test_a_port_that_is_not_there(tmp_path):
    with pytest.raises(PortError, match="plugged in") as caught:
        Port(str(tmp_path / "ttyACM9"))
    assert caught.value.absent


def test_a_file_is_no_port(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(PortError) as caught:
        Port(str(tmp_path / "file"))
    assert not caught.value.absent


def test_in_use_by_whom(pair):
    _, path = pair
    port = Port(path)
    with pytest.raises(PortError, match="in use"):
        Port(path)
    port.close()
    Port(path).close()


def test_users_of_another_process(pair):
    _, path = pair
    reader = os.fork()
    if reader == 0:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
        os.read(descriptor, 1)
        os._exit(0)
    try:
        for _ in range(200):
            users = ports.users_of(path)
            if users:
                break
        assert users[0][0] == reader
        text = ports.why_not(path, OSError(errno.EBUSY, "busy"))
        assert "process %d" % reader in text
    finally:
        os.kill(reader, 9)
        os.waitpid(reader, 0)


def test_no_permission_names_the_group(tmp_path, monkeypatch):
    path = tmp_path / "ttyACM0"
    path.touch()
    path.chmod(0o660)
    monkeypatch.setattr(ports.os, "getgroups", list)
    text = ports.why_not(str(path), PermissionError(errno.EACCES, "Permission denied"))
    assert "usermod -aG" in text
    path.chmod(0o600)
    assert "mode" in ports.why_not(str(path), PermissionError(errno.EACCES, "Permission denied"))


def test_every_byte_goes_through_both_ways(pair):
    master, path = pair
    port = Port(path)
    every = bytes(range(256)) * 4
    os.write(master, every)
    received = b""
    while len(received) < len(every):
        received += port.read()
    assert received == every
    assert port.write(every) == len(every)
    echoed = b""
    while len(echoed) < len(every):
        echoed += os.read(master, 4096)
    assert echoed == every
    port.close()


@pytest.mark.parametrize(("path", "words"), [("/dev/null", "is not a serial port"), ("/tmp", "is a folder")])
def test_what_is_no_port_is_called_so(path, words):
    with pytest.raises(PortError, match=words) as caught:
        Port(path)
    assert not caught.value.absent


def test_a_full_port_takes_no_more(pair):
    _, path = pair
    port = Port(path)
    written = 0
    while True:
        count = port.write(b"x" * 65536)
        if count == 0:
            break
        written += count
    assert 0 < written < 1 << 20
    port.close()


def test_a_pulled_stick_is_noticed():
    master, slave = pty.openpty()
    port = Port(os.ttyname(slave))
    os.close(slave)
    assert port.read() == b""
    os.close(master)
    with pytest.raises(PortLost, match="pulled"):
        port.read()
    with pytest.raises(PortLost):
        port.write(b"x")
    port.close()

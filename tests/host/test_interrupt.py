"""Commands that are ended from outside: Ctrl-C, and kill -9 in the middle of a put."""

import os
import random
import signal
import subprocess
import sys
import time

from host.cli_support import CommandLine
from host.fake_stick import FakeStick

KILLS = 6


def start(host, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    words = [sys.executable, "-m", "lattice_host", "--data", str(host.folder), *[str(word) for word in arguments]]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def test_ctrl_c_while_waiting_for_a_stick(tmp_path):
    laptop = CommandLine(tmp_path / "laptop")
    laptop.run("store", "create", "notes")
    for number in range(60):
        laptop.run("kv", "put", "key-%d" % number, "x" * 900)
    stick = FakeStick(tmp_path)
    with stick:
        laptop.run("stick", "setup", stick.port)
    stick.pull_after = 20_000
    stick.plug()
    process = start(laptop, "sync", stick.port, "--json")
    assert stick.pulled.wait(30)
    time.sleep(0.5)
    assert process.poll() is None, "it waits for the stick"
    process.send_signal(signal.SIGINT)
    output, words = process.communicate(timeout=20)
    assert process.returncode == 130
    assert output == b""
    assert b"interrupted" in words
    assert b"Traceback" not in words
    stick.pull()
    with stick:
        assert laptop.json("sync", stick.port)["complete"] is True


def test_killed_in_the_middle_of_a_put(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for number in range(12):
        (source / ("file-%02d" % number)).write_bytes(os.urandom(700_000))
    laptop = CommandLine(tmp_path / "laptop")
    laptop.run("store", "create", "notes")
    dice = random.Random(4)
    for _ in range(KILLS):
        process = start(laptop, "file", "put", source)
        time.sleep(dice.uniform(0.3, 1.5))
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
        assert laptop.json("store", "verify")["clean"] is True
        for row in laptop.json("file", "list")["files"]:
            assert row["held"], "an entry without its content"
    laptop.run("file", "put", source)
    laptop.run("file", "get", "source", tmp_path / "out")
    for item in source.iterdir():
        assert (tmp_path / "out" / item.name).read_bytes() == item.read_bytes()

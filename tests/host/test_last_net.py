"""What nobody foresaw becomes a sentence and a report without secrets; processes as a shell starts them."""

import os
import signal
import subprocess
import sys

import pytest

from host.cli_commands import CommandRun
from host.cli_support import CommandLine
from lattice_host import entry

TOKEN = "ubqtpVDCjjHAXrZmM3jbQoJ1ScF8C2HpPdoUca7275X1kUbGtyuod4HWjSEG53jizaHYBFbaSuhiHrmxyGY516QPy81zwVV3fPQDQWecnEV"


def test_a_report_holds_what_helps_and_no_secrets(tmp_path, monkeypatch):
    def fail(*arguments):
        raise KeyError(TOKEN, b"a secret seed of 32 bytes or more", "my private note")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["lattice-host", "join", TOKEN, "--via", "my private note"])
    try:
        fail()
    except KeyError as error:
        words = entry._reported(error)
    report = next(tmp_path.glob("*.report.txt"))
    text = report.read_text("utf-8")
    assert str(report) in words
    assert "KeyError at test_last_net.py" in words
    assert report.stat().st_mode & 0o077 == 0
    assert "Traceback" in text
    assert "lattice-host 0." in text
    assert "sqlite" in text
    for secret in (TOKEN, "secret seed", "my private note"):
        assert secret not in text + words


def test_without_a_place_for_a_report_there_is_still_a_sentence(monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    assert "an error of this program" in entry._reported(ValueError("x"))


def started(host, *words, **settings):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(one for one in sys.path if one)}
    environment.update(settings.pop("environment", {}))
    command = [sys.executable, "-m", "lattice_host", "--data", str(host.folder), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, **settings)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory):
    host = CommandLine(tmp_path_factory.mktemp("net") / "laptop", "Zürich")
    host.run("store", "create", "notes")
    host.run("kv", "put", "Grüße", "漢字")
    return host


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1:strict"},
        {"TERM": "dumb", "COLUMNS": "1", "NO_COLOR": "1"},
    ],
    ids=str,
)
def test_any_locale(laptop, environment):
    words = ("kv", "inspect", "Grüße") if "PYTHONIOENCODING" not in environment else ("kv", "list", "--json")
    out, err = started(laptop, *words, environment=environment).communicate(timeout=60)
    assert out, err
    assert not err, err


@pytest.mark.parametrize("words", [("kv", "list"), ("store", "verify"), ("kv", "put", "x", "y")], ids=" ".join)
def test_ctrl_c_at_any_time(laptop, words):
    for delay in (0.001, 0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.05):

        def press(delay=delay, run=entry._run):
            def begun():  # however long it takes to come so far
                signal.signal(signal.SIGINT, signal.default_int_handler)
                signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
                signal.setitimer(signal.ITIMER_REAL, delay)
                return run()

            entry._run = begun  # in a process of its own

        run = CommandRun(laptop.folder, words, prepare=press)
        assert run.status in (0, 130), (delay, run.status, run.err)
        assert len(run.err.splitlines()) <= 1, (delay, run.status, run.err)
        assert b"Traceback" not in run.err
        assert b"report" not in run.err
    assert laptop.json("store", "verify")["clean"]

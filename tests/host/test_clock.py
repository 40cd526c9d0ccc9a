"""A clock that is years off is named at the write, when a stick is told the time, and in `status`."""

import time

import pytest

from host.cli_support import CommandLine
from host.fake_stick import FakeStick
from lattice_host import clock

YEAR_S = 365 * 86400
REAL = time.time


@pytest.fixture
def shifted(monkeypatch):
    """Sets this computer's clock so many years off."""

    def set_to(years):
        monkeypatch.setattr("lattice_host.clock.time.time", lambda: REAL() + years * YEAR_S)

    return set_to


def test_a_right_clock_is_not_mentioned(tmp_path):
    laptop = CommandLine(tmp_path / "laptop")
    for words in (("store", "create", "notes"), ("kv", "put", "k", "v"), ("status",)):
        result = laptop.attempt(*words)
        assert not result.stderr
        assert "CLOCK" not in result.stdout
    assert laptop.json("status")["clock"] == []


def test_a_clock_that_runs_ahead(tmp_path, shifted):
    laptop = CommandLine(tmp_path / "laptop")
    shifted(9)
    for words in (("store", "create", "notes"), ("kv", "put", "k", "v"), ("kv", "delete", "k")):
        assert "9 years after everything" in laptop.attempt(*words).stderr, words
    assert "CLOCK: this computer's clock shows" in laptop.run("status")
    assert not laptop.attempt("kv", "list").stderr, "reading says nothing"
    shifted(0)
    said = laptop.attempt("kv", "put", "k", "x").stderr
    assert "newest write of this node in notes" in said
    assert "8 years ahead" in said
    assert len(laptop.json("status")["clock"]) == 2  # in the share and in the store
    with FakeStick(tmp_path) as stick:
        laptop.run("stick", "setup", stick.port)
        assert "ahead of this computer's clock" in laptop.attempt("sync", stick.port).stderr


def test_a_clock_that_stands_still_in_the_past(tmp_path, shifted):
    laptop = CommandLine(tmp_path / "laptop")
    laptop.run("store", "create", "notes")
    shifted(-20)
    said = laptop.attempt("kv", "put", "k", "v").stderr
    assert "years before this program was made" in said
    assert "ahead of this computer's clock" in said
    assert "CLOCK" in laptop.run("status")


def test_years_of_use_are_no_leap(tmp_path, shifted):
    """Somebody who writes now and then for years, without an update, is not told each time."""
    laptop = CommandLine(tmp_path / "laptop")
    laptop.run("store", "create", "notes")
    for half_years in range(1, 9):
        shifted(half_years / 2)
        assert not laptop.attempt("kv", "put", "k", str(half_years)).stderr, half_years
    shifted(20)
    assert "years after everything" in laptop.attempt("kv", "put", "k", "v").stderr


def test_dates_that_no_calendar_holds():
    assert clock._date(-1) == "-1 ms"
    assert clock._date(2**64 - 1).endswith(" ms")
    assert clock._date(0) == "1970-01-01"


@pytest.mark.parametrize("shown_s", [-1e12, -5.0, -0.0004, 0.0, 1e11, 1e13, 1e18])
def test_a_clock_before_1970_or_behind_every_calendar_is_a_wrong_clock(tmp_path, monkeypatch, shown_s):
    """It is named, and nothing ends in an error of this program; what is written before and later stands."""
    laptop = CommandLine(tmp_path / "laptop")
    laptop.run("store", "create", "notes")
    (tmp_path / "f").write_text("x")
    monkeypatch.setattr("lattice_host.clock.time.time", lambda: shown_s)
    for words in (
        ("kv", "put", "k", "v"),
        ("file", "put", tmp_path / "f"),
        ("file", "mv", "f", "g"),
        ("file", "rm", "g"),
    ):
        assert "this computer's clock shows" in laptop.attempt(*words).stderr, words
    laptop.run("file", "undo", "g")
    laptop.run("file", "get", "g", tmp_path / "out")
    laptop.run("store", "create", "more")
    laptop.run("invite", "--expires", "7d")
    assert laptop.json("status")["clock"]
    assert "k" in laptop.run("kv", "list", "--store", "notes")
    with FakeStick(tmp_path) as stick:
        assert "set the clock of the computer right" in laptop.fails("stick", "setup", stick.port)
    monkeypatch.setattr("lattice_host.clock.time.time", REAL)
    laptop.run("kv", "put", "k", "w", "--store", "notes")
    assert laptop.run("kv", "get", "k", "--store", "notes") == "w"


def test_deadlines_do_not_follow_a_clock_that_is_set(monkeypatch):
    for shown_s in (-5.0, 0.0, REAL()):
        monkeypatch.setattr("lattice_host.clock.time.time", lambda shown_s=shown_s: shown_s)
        moving = clock.Clock()
        begun_ms = moving.now().wall_ms
        assert begun_ms >= 0
        assert abs(begun_ms - max(shown_s, 0) * 1000) < 5000
        monkeypatch.setattr("lattice_host.clock.time.time", lambda shown_s=shown_s: shown_s - 1e9)
        before = time.monotonic()
        while time.monotonic() < before + 0.005:
            pass
        assert begun_ms < moving.now().wall_ms < begun_ms + 5000

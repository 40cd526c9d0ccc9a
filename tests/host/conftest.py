"""Fixtures of the host's tests."""

import json
import os

import pytest

from host import files_support
from host.driver_support import NOW_MS
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.testing.memory import MemoryStorage
from lattice_host import crypto
from lattice_host.service.in_process import InProcess


@pytest.fixture
def laptop():
    """A node in memory with a share and a data store "notes"."""
    node = Node(MemoryStorage(), crypto, Identity(crypto, os.urandom(32)), "laptop")
    node.open(NOW_MS)
    node.create_store("notes", "core:kvstore", None, NOW_MS)
    return node


@pytest.fixture
def files():
    node = files_support.fresh_node()
    handle = node.create_store("notes", "core:kvstore", None, files_support.NOW_MS)
    found = handle.files
    found.node, found.handle = node, handle  # for the tests
    return found


@pytest.fixture(autouse=True)
def plain_values(monkeypatch):
    """What goes in and out of an operation is JSON, in every test that runs one."""
    stream = InProcess.stream

    def checked(self, name, /, **arguments):
        _check_plain(name, arguments)
        result = yield from stream(self, name, **arguments)
        _check_plain(name, result)
        return result

    monkeypatch.setattr(InProcess, "stream", checked)


def _check_plain(name, value):
    assert json.loads(json.dumps(value)) == value, name

"""Fixtures of the host's tests."""

import os

import pytest

from host import files_support
from host.driver_support import NOW_MS
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.testing.memory import MemoryStorage
from lattice_host import crypto


@pytest.fixture
def laptop():
    """A node in memory with a share and a data store "notes"."""
    node = Node(MemoryStorage(), crypto, Identity(crypto, os.urandom(32)), "laptop")
    node.open(NOW_MS)
    node.create_store("notes", "core:kvstore", None, NOW_MS)
    return node


@pytest.fixture
def files():
    return files_support.fresh_node().create_store("notes", "core:kvstore", None, files_support.NOW_MS).files

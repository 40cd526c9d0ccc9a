"""The firmware's version, shown to anybody who asks: the one of lattice-host (tests/gate/test_package.py)."""

VERSION = "0.1.0"

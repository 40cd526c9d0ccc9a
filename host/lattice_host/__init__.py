"""The desktop node of Lattice Nano (CPython 3.11 and later)."""

__version__ = "0.1.0"

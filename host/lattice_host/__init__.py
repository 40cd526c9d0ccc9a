"""The desktop node of Lattice Nano (CPython 3.11 and later)."""

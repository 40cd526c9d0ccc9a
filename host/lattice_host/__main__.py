"""`python -m lattice_host` is `lattice-host`."""

from .entry import main

main()

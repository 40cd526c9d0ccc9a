"""`python -m lattice_host` is `lattice-host`."""

from .cli import main

main()

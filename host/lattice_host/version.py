"""What this program calls itself, on the command line and to its peers."""

from importlib.metadata import PackageNotFoundError, version

try:
    HOST_VERSION = "lattice-host " + version("lattice-host")
except PackageNotFoundError:  # run from a checkout that is not installed
    HOST_VERSION = "lattice-host"

"""Installs the named Debian packages that are missing; used by the other tools, stdlib only.

    python3 tools/system_packages.py gcc make gcc-multilib?

A name that ends in `?` is wanted, not needed. As root, or with password-less sudo, what is missing is
installed; otherwise the one line to run is printed and the exit status is 1. Elsewhere than on Debian
(and its descendants) nothing is installed: the line says what to look for.
"""

import os
import shutil
import subprocess
import sys


def is_installed(package: str) -> bool:
    query = ["dpkg-query", "-W", "-f=${Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout.endswith(" installed")


def root_prefix() -> "list[str] | None":
    """What to put before a command so that it runs as root; None when that needs a password."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def install(prefix: "list[str]", packages: "list[str]") -> bool:
    """One try with the package lists as they are, one with fresh lists."""
    apt_get = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    command = [*apt_get, "install", "-y", "--no-install-recommends", *packages]
    print("Installing", *packages, flush=True)
    for _ in range(2):
        if subprocess.run(command, capture_output=True).returncode == 0:
            return True
        subprocess.run([*apt_get, "update"], stdout=subprocess.DEVNULL)
    return False


def ensure(*names: str) -> bool:
    """True when every needed package is there in the end. Says what is missing and how to get it."""
    if not shutil.which("dpkg-query") or not shutil.which("apt-get"):
        return True  # not Debian: the build itself tells what it cannot find
    missing = [name for name in names if not is_installed(name.rstrip("?"))]
    needed = [name for name in missing if not name.endswith("?")]
    if not missing:
        return True
    prefix = root_prefix()
    packages = [name.rstrip("?") for name in missing]
    if prefix is not None:
        return install(prefix, packages) or not needed or install(prefix, needed)
    print("Missing system packages. Run: sudo apt-get install", *packages)
    return not needed


if __name__ == "__main__":
    sys.exit(0 if ensure(*sys.argv[1:]) else 1)

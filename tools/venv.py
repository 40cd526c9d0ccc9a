"""Makes .venv and installs this project in it (editable), with pip's own configuration and cache.

    python3 tools/venv.py        what lattice-host needs
    python3 tools/venv.py dev    and what tests, lint and QUIC need

The versions are those of constraints.txt. A stamp holds the hash of it and of what pyproject.toml says about the
package, so a second run does nothing.
"""

import hashlib
import importlib.util
import json
import pathlib
import subprocess
import sys
import tomllib

import system_packages

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "constraints.txt"


def stamp_path(extras: str) -> pathlib.Path:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    package = [project[table] for table in ("build-system", "project")] + [project["tool"]["setuptools"], sys.version]
    package.append(CONSTRAINTS.read_text())
    digest = hashlib.sha256(json.dumps(package).encode()).hexdigest()
    return VENV / f"stamp-{extras or 'run'}-{digest[:16]}"


def is_current(extras: str) -> bool:
    return stamp_path(extras).exists() or stamp_path("dev").exists()


def create(extras: str) -> None:
    has_pip = importlib.util.find_spec("ensurepip")  # Debian ships it apart from the interpreter
    if not has_pip and not system_packages.ensure("python3-venv"):
        sys.exit(1)
    if not (VENV / "bin" / "python").exists():
        print("Creating .venv", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    target = f"{ROOT}[{'dev,quic' if extras else ''}]".replace("[]", "")
    print("Installing lattice-host" + (" and its test tools" if extras else "") + " into .venv", flush=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", str(CONSTRAINTS), "--editable", target], check=True)
    for old in VENV.glob(f"stamp-{extras or 'run'}-*"):
        old.unlink()
    stamp_path(extras).touch()


if __name__ == "__main__":
    wanted = "dev" if "dev" in sys.argv[1:] else ""
    if not is_current(wanted):
        create(wanted)

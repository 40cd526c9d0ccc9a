"""The distribution: installed in a clean environment it holds the core, and no name of ours comes from a registry."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = ("lattice_core", "lattice_flash", "lattice_host")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of commands of a clean environment with `pip install .` of a copy of the checkout."""
    folder = tmp_path_factory.mktemp("package")
    source = folder / "source"
    skipped = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(ROOT, source, ignore=skipped)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    bin = folder / "venv" / "bin"
    subprocess.run([bin / "python", "-m", "pip", "install", "--quiet", source], check=True, cwd=folder)
    return bin


def output(installed, *words):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [installed / words[0], *words[1:]]
    return subprocess.run(
        command, cwd=installed, env=environment, check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_every_package_is_ours_and_typed(installed):
    for package in PACKAGES:
        code = "import %s as package; print(package.__file__)" % package
        found = pathlib.Path(output(installed, "python", "-c", code).strip())
        assert installed.parent in found.parents
        assert (found.parent / "py.typed").exists(), package
    assert "Name: lattice-host" in output(installed, "python", "-m", "pip", "show", "lattice-host")
    assert "lattice-core" not in output(installed, "python", "-m", "pip", "list")


def test_the_command_runs(installed):
    assert version() in output(installed, "lattice-host", "--version")
    assert "sync" in output(installed, "lattice-host", "-h")
    assert "lattice" in output(installed, "lattice-host", "--show-completion", "bash")


def test_pipx_installs_it(tmp_path):
    """`pipx install .`, with pipx in an environment of its own: the core is ours, the command speaks."""
    source = tmp_path / "source"
    skipped = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(ROOT, source, ignore=skipped)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "pipx>=1.7,<2"], check=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    subprocess.run(
        [python, "-m", "pipx", "install", "--python", sys.executable, source],
        check=True,
        capture_output=True,
        env=environment,
    )
    assert version() in output(tmp_path / "bin", "lattice-host", "--version")
    assert "sync" in output(tmp_path / "bin", "lattice-host", "-h")
    assert "lattice" in output(tmp_path / "bin", "lattice-host", "--show-completion", "bash")
    inside = (tmp_path / "pipx" / "venvs" / "lattice-host" / "bin").resolve()
    found = output(inside, "python", "-c", "import lattice_core; print(lattice_core.__file__)").strip()
    assert inside.parent in pathlib.Path(found).resolve().parents


def test_there_is_one_version():
    assert version() == re.search(r'VERSION = "([^"]+)"', (ROOT / "firmware" / "version.py").read_text()).group(1)


def version():
    return re.search(r'__version__ = "([^"]+)"', (ROOT / "host" / "lattice_host" / "__init__.py").read_text()).group(1)

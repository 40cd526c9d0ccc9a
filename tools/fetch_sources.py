"""Third-party C sources: fetched once, pinned by SHA-256, cached by hash, unpacked under build/sources.

MicroPython, libsodium, BLAKE3, the Pico SDK and TinyUSB come from Debian's stable archive, by way of the mirror that
the machine's own apt sources name, through a private apt configuration: no root, and the system's package
lists stay as they are. The pins below are what is trusted, so the index that leads to a file need not be.

Cache: ${XDG_CACHE_HOME:-~/.cache}/lattice-nano/<sha256>. `MICROPY_DIR=` names a MicroPython checkout
(1.25.0, with its submodules) to build from in place of the fetched one; it is needed where no apt leads to Debian,
and libsodium and BLAKE3 then come from their own repositories, pinned by commit, the Pico SDK and TinyUSB from that
checkout. `PICO_SDK_DIR=` names a Pico SDK (2.1.1), with TinyUSB in its `lib/tinyusb`, to build from in place of both.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "lattice-nano"
SUITE = "trixie"

# what: how apt names it ("source" packages and binary ones); inner: the folder inside the archive that is wanted
Source = namedtuple("Source", "what package file sha256 inner")

# The same files where no apt leads to Debian
Repository = namedtuple("Repository", "address commit inner")
REPOSITORIES = {
    "libsodium": Repository(
        "https://github.com/jedisct1/libsodium", "4f5e89fa84ce1d178a6765b8b46f2b6f91216677", "src/libsodium"
    ),
    "blake3": Repository("https://github.com/BLAKE3-team/BLAKE3", "ad639b126ef9b5f3b131093363cc3bb6bba4c3bf", "c"),
}

# What a folder of the environment must hold to be taken for such a source
SIGNS = {"micropython": "py", "pico-sdk": "pico_sdk_init.cmake", "tinyusb": "src"}

SOURCES = {
    "micropython": Source(
        "source",
        "micropython",
        "micropython_1.25.0+ds.orig.tar.xz",
        "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea",
        ".",
    ),
    "libsodium": Source(
        "source",
        "libsodium",
        "libsodium_1.0.18.orig.tar.gz",
        "d59323c6b712a1519a5daf710b68f5e7fde57040845ffec53850911f10a5d4f4",
        "src/libsodium",
    ),
    "blake3": Source(
        "binary",
        "librust-blake3-dev:amd64",  # sources only, the same for every architecture
        "librust-blake3-dev_1.8.1-1_amd64.deb",
        "d3337b6525a6544f401039784603c97aa4bf84aec262cdb6204f5d7ff0173d8f",
        "usr/share/cargo/registry/blake3-1.8.1/c",
    ),
    "pico-sdk": Source(
        "binary",
        "pico-sdk-source",
        "pico-sdk-source_2.1.1-1_all.deb",
        "507a3ca37636641bc90239d7c04dc9dc28c5008087a8162102ea94d2273153d3",
        "usr/src/pico-sdk",
    ),
    "tinyusb": Source(
        "binary",
        "tinyusb-source",
        "tinyusb-source_0.18.0+dfsg-1_all.deb",
        "01ce2c645df68f14a8a7dcfc8fb355713152543757955820479a87949a61154e",
        "usr/src/tinyusb",
    ),
}


class Apt:
    """A private apt: own lists for `SUITE`, taken from the mirror that this machine already uses."""

    def __init__(self, folder: str):
        self.folder = pathlib.Path(folder)
        for name in ("lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True)
        self.environment = dict(os.environ, APT_CONFIG=str(self.folder / "apt.conf"), LC_ALL="C")
        self.ready = any(self.use_mirror(mirror) for mirror in debian_mirrors())

    def use_mirror(self, mirror: str) -> bool:
        """Loads the lists; the files that follow are pinned, so no keyring is asked for."""
        kinds = ("deb-src [trusted=yes]", "deb [arch=amd64 trusted=yes]")
        (self.folder / "sources.list").write_text("".join(f"{kind} {mirror} {SUITE} main\n" for kind in kinds))
        (self.folder / "apt.conf").write_text(
            f'Dir::Etc::SourceList "{self.folder}/sources.list"; Dir::Etc::SourceParts "/dev/null";\n'
            f'Dir::State::Lists "{self.folder}/lists"; Dir::Cache "{self.folder}/cache";\n'
            'APT::Sandbox::User "root"; Acquire::Languages "none";\n'
        )
        self.run("apt-get", "-q", "-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false", "update")
        return bool(self.address_of(SOURCES["micropython"]))

    def run(self, *command: str) -> str:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def address_of(self, source: Source) -> str:
        verb = ["--download-only", "source"] if source.what == "source" else ["download"]
        for line in self.run("apt-get", "-q", "--print-uris", *verb, source.package).splitlines():
            address, name = ([*line.split(), "", ""])[:2]
            if name.replace("%3a", ":") == source.file:
                return address.strip("'")
        return ""

    def download(self, source: Source, target: pathlib.Path) -> None:
        address = self.address_of(source)
        if not address:
            sys.exit(f"The Debian mirror of this machine does not offer {source.file} ({source.package} in {SUITE}).")
        self.run("/usr/lib/apt/apt-helper", "-q", "download-file", address, str(target))


def debian_mirrors() -> "list[str]":
    """Archives that this machine's apt sources name for Debian's main component, likeliest first."""
    form = "$(COMPONENT) $(CREATED_BY) $(RELEASE) $(REPO_URI)"
    # without release info apt tells also of what it has never downloaded
    command = ["apt-get", "indextargets", "--no-release-info", "--format", form]
    output = subprocess.run(command, capture_output=True, text=True).stdout
    entries = [line.split(" ", 3) for line in output.splitlines()]
    found = [e for e in entries if len(e) == 4 and e[:2] == ["main", "Packages"] and not e[3].startswith("cdrom")]
    found.sort(key=lambda entry: "-" in entry[2] or "security" in entry[3])
    return list(dict.fromkeys(entry[3] for entry in found))


def sha256(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(names: "list[str]") -> bool:
    """Brings what is not yet in the cache; a file whose hash is not the pinned one never gets there.

    False: no apt here, or none of its mirrors serves Debian.
    """
    missing = [name for name in names if not (CACHE / SOURCES[name].sha256).exists()]
    if not missing:
        return True
    if not shutil.which("apt-get"):
        return False
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="apt-") as folder:
        apt = Apt(folder)
        for name in missing if apt.ready else ():
            source = SOURCES[name]
            print(f"Fetching {source.file}", flush=True)
            arrived = pathlib.Path(folder) / "download"
            apt.download(source, arrived)
            if not arrived.exists() or sha256(arrived) != source.sha256:
                sys.exit(f"{source.file} did not arrive with the pinned SHA-256 {source.sha256}.")
            arrived.replace(CACHE / source.sha256)
        return apt.ready


def place(name: str, pin: str) -> "tuple[pathlib.Path, bool]":
    """Where a source belongs in this checkout, and whether it is there already."""
    folder = ROOT / "build" / "sources" / f"{name}-{pin[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder, folder.exists()


def unpack(name: str) -> pathlib.Path:
    """The wanted folder of one source, unpacked once per checkout."""
    source = SOURCES[name]
    folder, done = place(name, source.sha256)
    if not done:
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
            inside = pathlib.Path(partial) / "inside"
            inside.mkdir()
            command = ["dpkg-deb", "-x", str(CACHE / source.sha256), str(inside)]
            if source.what == "source":
                command = ["tar", "-xf", str(CACHE / source.sha256), "-C", str(inside), "--strip-components=1"]
            subprocess.run(command, check=True)
            (inside / source.inner).rename(folder)
    return folder


def clone(name: str) -> pathlib.Path:
    """The same from its own repository: one commit, whose id is the pin."""
    repository = REPOSITORIES[name]
    folder, done = place(name, repository.commit)
    if not done:
        print(f"Fetching {name} from {repository.address}", flush=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
            git = ["git", "-C", partial]
            subprocess.run([*git, "init", "--quiet"], check=True)
            subprocess.run([*git, "fetch", "--quiet", "--depth=1", repository.address, repository.commit], check=True)
            subprocess.run([*git, "checkout", "--quiet", "FETCH_HEAD"], check=True)
            (pathlib.Path(partial) / repository.inner).rename(folder)
    return folder


def own_folders(names: "Sequence[str]") -> "dict[str, pathlib.Path]":
    """Those of the sources that the environment names a folder for. A submodule that is not there does not count."""
    folders = {}
    own, sdk = (os.environ.get(variable) for variable in ("MICROPY_DIR", "PICO_SDK_DIR"))
    if own:
        print(f"MicroPython from MICROPY_DIR={own}")
        folders["micropython"] = pathlib.Path(own).resolve()
        folders["pico-sdk"] = folders["micropython"] / "lib" / "pico-sdk"
        folders["tinyusb"] = folders["micropython"] / "lib" / "tinyusb"
    if sdk:
        print(f"Pico SDK from PICO_SDK_DIR={sdk}")
        folders["pico-sdk"] = pathlib.Path(sdk).resolve()
        if (folders["pico-sdk"] / "lib" / "tinyusb" / "src").exists():
            folders["tinyusb"] = folders["pico-sdk"] / "lib" / "tinyusb"
    return {name: folder for name, folder in folders.items() if name in names and (folder / SIGNS[name]).exists()}


def provide(*names: str) -> "dict[str, pathlib.Path]":
    """{name: folder} of the sources, fetched and unpacked where need be."""
    folders = own_folders(names)
    others = [name for name in names if name not in folders]
    if fetch(others):
        return folders | {name: unpack(name) for name in others}
    absent = [name for name in others if name not in REPOSITORIES]
    if absent:
        sys.exit(
            f"Missing: {', '.join(absent)}. "
            f"No Debian mirror here that serves {SUITE} (is the network there?). On other systems set MICROPY_DIR= "
            "to a MicroPython 1.25.0 checkout with its submodules (PICO_SDK_DIR= to a Pico SDK of your own)."
        )
    return folders | {name: clone(name) for name in others}


if __name__ == "__main__":
    for name, folder in provide(*(sys.argv[1:] or SOURCES)).items():
        print(name, folder)

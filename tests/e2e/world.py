"""A laptop, a stick and whoever else, as separate processes: what a user has on the desk.

`EmulatedStick` starts `tools/emulator.py` on an image and can pull its plug. `Computer` runs `lattice-host` on a data
directory. Used by the demo and by the end-to-end tests, so both tell the same story.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST_COMMAND = [sys.executable, "-m", "lattice_host"]
COMMAND_TIMEOUT_S = 600


class CommandFailed(Exception):
    """A `lattice-host` command ended with another exit status than 0. `result` has its streams."""

    def __init__(self, arguments, result):
        said = (" ".join(arguments), result.returncode, result.stderr)
        super().__init__("lattice-host %s: exit status %d\n%s" % said)
        self.result = result


class Computer:
    """One node on this machine: `lattice-host` with its own data directory."""

    def __init__(self, folder, name, prefix=()):
        self.folder = pathlib.Path(folder)
        self.name = name
        self.prefix = list(prefix)
        self.run("init", "--name", name)

    def command(self, *arguments):
        return self.prefix + HOST_COMMAND + ["--data", str(self.folder)] + [str(argument) for argument in arguments]

    def attempt(self, *arguments):
        """Runs a command to its end and returns it, whatever its exit status."""
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False, cwd=ROOT
        )

    def start(self, *arguments):
        """Starts a command and returns at once (for pulling the plug in the middle)."""
        return subprocess.Popen(
            self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )

    def run(self, *arguments):
        result = self.attempt(*arguments)
        if result.returncode:
            raise CommandFailed([str(argument) for argument in arguments], result)
        return result.stdout

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))


class EmulatedStick:
    """An emulated stick on a flash image. `port` stays the same when it is plugged in again."""

    def __init__(self, image, size="4M", options=(), prefix=()):
        self.image = pathlib.Path(image)
        self.size = size
        self.options = [str(option) for option in options]
        self.prefix = list(prefix)
        self.port = str(self.image) + ".port"
        self.process = None
        self.pid = None

    def plug(self, *options):
        """Plugs it in: starts the interpreter and waits for its port."""
        command = [sys.executable, str(ROOT / "tools" / "emulator.py"), "--flash", str(self.image), "--size", self.size]
        command += ["--link", self.port, *self.options, *[str(option) for option in options]]
        self.process = subprocess.Popen(self.prefix + command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the emulator did not start (exit status %s)" % self.process.wait())
        self.pid = json.loads(line)["pid"]
        return self

    def pull(self):
        """Pulls the plug: the interpreter is killed where it stands."""
        if self.process is None:
            return
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has cut its own power
        self.process.wait(timeout=20)
        self.process.stdout.close()
        self.process = None

    def __enter__(self):
        return self.plug()

    def __exit__(self, *exc):
        self.pull()

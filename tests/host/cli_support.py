"""Running commands of `lattice-host` in this process, or as a process of their own."""

import json
import os
import subprocess
import sys

from typer.testing import CliRunner

from lattice_host.cli import app


class CommandLine:
    """One node's command line."""

    def __init__(self, folder, name="laptop"):
        self.folder = folder
        self.run("init", "--name", name)

    def attempt(self, *arguments, stdin=None):
        """A result with exit_code, stdout, stderr."""
        words = ["--data", str(self.folder), *[str(argument) for argument in arguments]]
        return CliRunner().invoke(app, words, input=stdin, catch_exceptions=False)

    def run(self, *arguments, stdin=None):
        result = self.attempt(*arguments, stdin=stdin)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json"))

    def fails(self, *arguments, status=1):
        """Runs what must fail with this exit status; its words on stderr. Nothing else may have been printed."""
        result = self.attempt(*arguments)
        assert result.exit_code == status, result.stdout
        assert "Traceback" not in result.stderr
        return result.stderr

    def wrong(self, *arguments):
        """Runs what is wrong whatever the node holds; its words on stderr, also where click found it."""
        process = self.process(*[str(argument) for argument in arguments])
        assert (process.returncode, process.stdout) == (2, b""), process
        return process.stderr.decode()

    def process(self, *arguments):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
        words = [sys.executable, "-m", "lattice_host", "--data", str(self.folder), *arguments]
        return subprocess.run(words, capture_output=True, env=environment, timeout=60, check=False)

"""Programs of tools/ as modules: the folder is not on the path, because a program of it has the name of a folder of
tests."""

import importlib.util
import pathlib

TOOLS = pathlib.Path(__file__).resolve().parents[1] / "tools"


def tool(name):
    """The module of tools/NAME.py."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / (name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

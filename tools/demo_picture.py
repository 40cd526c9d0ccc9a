#!/usr/bin/env python3
"""Draws docs/demo.svg, the picture of the demo in README.

    tools/demo_picture.py            runs the demo as it is now, writes docs/demo.txt and docs/demo.svg
    tools/demo_picture.py --print    prints the picture of docs/demo.txt: the same text gives the same picture

The text is that of a real run and is kept beside the picture, so that nobody has to trust a drawing.
"""

import io
import pathlib
import subprocess
import sys

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = pathlib.Path(__file__).resolve().parents[1]
TEXT = ROOT / "docs" / "demo.txt"
PICTURE = ROOT / "docs" / "demo.svg"
COLUMNS = 104
COMMAND = "$ make demo"

# Without the fonts that rich would load from the network.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" \
aria-label="What make demo prints">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
THEME = TerminalTheme((24, 26, 31), (214, 219, 229), [(24, 26, 31)] * 8)
STYLES = {"$": "bold #8fd18f", "left": "#9db7e8", "arrived": "#9db7e8", "the same": "bold #8fd18f"}


def run():
    """What `make demo` prints."""
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "demo.py")], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("utf-8")


def draw(text):
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor")
    for line in [COMMAND, *text.splitlines()]:
        style = next((style for start, style in STYLES.items() if line.startswith(start)), "")
        console.print(Text(line, style=style), no_wrap=True, overflow="ellipsis")
    return console.export_svg(title="Lattice Nano", theme=THEME, code_format=FORMAT, unique_id="demo")


def main():
    if "--print" in sys.argv[1:]:
        sys.stdout.buffer.write(draw(TEXT.read_text("utf-8")).encode())
        return
    TEXT.write_text(run(), "utf-8")
    PICTURE.write_text(draw(TEXT.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()

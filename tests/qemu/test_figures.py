"""What work costs the chip, beside docs/footprint.md: what has grown is told, and nothing fails by it."""

import warnings

from qemu.machine import WHOLE, chip_figures


def test_no_figure_has_grown():
    figures = chip_figures.measure() if WHOLE else chip_figures.quick()
    assert set(figures) <= set(chip_figures.written()), "python3 tools/chip_figures.py --write"
    for line in chip_figures.grown(figures):
        warnings.warn(line, stacklevel=1)


def test_the_page_says_what_the_counts_stand_for():
    page = chip_figures.PAGE.read_text()
    for row, count in chip_figures.written().items():
        assert f"| {row} | {count:,} | {chip_figures.ms(count):,.2f} |" in page

"""What else must hold before a change lands: lint and types are clean, and the demo tells its story. Run by .ci/run."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def make(*words):
    result = subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_lint_and_types_are_clean():
    make("lint")


def test_demo_carries_files_byte_for_byte():
    check_same(make("demo"))


def test_demo_carries_what_can_be_put_of_any_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "a\nline").write_text("a name that no store takes")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "cafe\u0301").write_text("decomposed")
    (tmp_path / "large").write_bytes(bytes(range(256)) * 12000)
    output = make("demo", "FILE=%s" % tmp_path)
    check_same(output)
    assert "so this one has 16" in output
    assert "same, byte for byte: 2 files" in output
    for name in ("empty", "line", "link"):
        assert re.search("left out: .*%s" % name, output), output


def check_same(output):
    left = re.search(r"^left +sha256 ([0-9a-f]{64})$", output, re.M)
    arrived = re.search(r"^arrived sha256 ([0-9a-f]{64})$", output, re.M)
    assert left, output
    assert arrived, output
    assert left.group(1) == arrived.group(1), output

"""What a program prints steers no terminal and no page, wherever its message is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import typer

from benchmark.run_folder.rows import Row
from methods.errors import InputError, run_command_line
from methods.terminal import plain_console
from tests.benchmark.conftest import Bench

PRINTED = "\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2J cleared \x08\u202ereversed"
SHOWN = r"red cleared \x08\u202ereversed"
STEERING = set("\x1b\x07\x08\u202e")


@pytest.mark.slow
def test_a_message_is_shown_without_what_would_steer_a_terminal(
    bench: Bench, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        f"import sys\nsys.stderr.buffer.write({PRINTED!r}.encode() + b'\\n')\nsys.exit(1)\n"
    )
    methods = tmp_path / "methods.toml"
    methods.write_text(
        f"[loud]\nmethod = 'command'\ntemplate = 'python3 {program} {{image}} {{mask}} {{result}}'"
    )
    done = replace(bench, page=True).run("--method-file", str(methods), "--resolutions", "48")
    assert done.returncode == 1
    assert {row["error"] for row in bench.rows().values()} == {
        f"program ended with exit status 1: {SHOWN}"
    }
    texts = {path: path.read_text(encoding="utf-8") for path in bench.out.rglob("*.??*")
             if path.suffix in {".csv", ".md", ".tex", ".html", ".json"}}  # fmt: skip
    assert {".csv", ".md", ".tex", ".html", ".json"} == {path.suffix for path in texts}
    for shown in (done.stdout, done.stderr, *texts.values()):
        assert not set(shown) & STEERING
    assert SHOWN in done.stderr and SHOWN in done.stdout
    assert SHOWN in texts[bench.out / "report.html"]
    # The log is what the program printed.
    log = next((bench.out / "logs").rglob("*.txt"))
    assert PRINTED in log.read_text(encoding="utf-8")


def test_messages_in_journals_of_earlier_versions_are_cleaned_too() -> None:
    row = Row("m", 48, "i", "failed", error=f"two\nlines {PRINTED}")
    assert row.error == f"two lines {SHOWN}"


def test_errors_and_consoles_show_control_characters_of_files(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise InputError("photos/\x1b[2Ja\u202eb.png: no image")

    with pytest.raises(SystemExit), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["fail"])
        run_command_line(app)
    plain_console().print("photos/\x1b[2Ja.png")
    said = capsys.readouterr()
    assert said.err == "error: photos/\\x1b[2Ja\\u202eb.png: no image\n"
    assert said.out == "photos/\\x1b[2Ja.png\n"

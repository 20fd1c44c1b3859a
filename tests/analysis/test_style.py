"""A style file: what it changes, and how its errors are said."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image as PillowImage
from typer.testing import CliRunner

from analysis import style
from analysis.__main__ import app
from methods.errors import InputError

JOURNAL = """
column_width = 3.25
page_width = 6.75
font = "STIXGeneral"
font_size = 7
colours = ["#112233", "tab:red"]

[matplotlib]
"lines.linewidth" = 0.8
"""


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    rows = ["winner,loser"] + ["a,b"] * 9 + ["b,a"] * 5 + ["b,c"] * 6 + ["c,a"] * 3
    path = tmp_path / "votes.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def ranked(votes: Path, *words: str) -> Path:
    out = votes.parent / "out"
    done = CliRunner().invoke(app, ["rank", str(votes), "--out", str(out), *words])
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.slow
def test_plots_take_a_journals_width_font_and_colours(votes: Path, tmp_path: Path) -> None:
    (tmp_path / "journal.toml").write_text(JOURNAL)
    out = ranked(votes, "--style", str(tmp_path / "journal.toml"))
    image = PillowImage.open(out / "ranking.png")
    assert image.size[0] == round(3.25 * 300)
    colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 20)}
    assert (0x11, 0x22, 0x33) in colours and (0x00, 0x72, 0xB2) not in colours
    if shutil.which("pdffonts"):
        listing = subprocess.run(
            ["pdffonts", out / "ranking.pdf"], capture_output=True, text=True, check=True
        ).stdout
        assert "STIXGeneral" in listing and "DejaVu" not in listing


def test_figures_take_it_too(pictured: Path, tmp_path: Path) -> None:
    (tmp_path / "journal.toml").write_text(JOURNAL)
    words = ["figure", str(pictured), "--image", "x", "--out", str(tmp_path / "f.png")]
    done = CliRunner().invoke(app, [*words, "--style", str(tmp_path / "journal.toml")])
    assert done.exit_code == 0, done.output
    assert PillowImage.open(tmp_path / "f.png").size[0] == 2025


def test_a_style_ends_with_its_plots() -> None:
    with style.styled(style.Style(column_width=5, colours=("red",))):
        assert style.current().column_width == 5
        assert style.method_styles(["a", "b"])["b"].colour == "red"
    assert style.current() == style.HOUSE


BAD = {
    "colum_width = 3": "no setting 'colum_width', did you mean 'column_width'?",
    "font_size = 100": "font_size: Input should be less than or equal to 24",
    'font = "Nonesuch"': "font: no font 'Nonesuch' on this machine",
    'colours = ["#12"]': "colours: '#12' is no colour; write it as '#0072B2'",
    'column_width = "wide"': "column_width: Input should be a valid number",
    '[matplotlib]\n"lines.linewidht" = 1': "no setting 'lines.linewidht', did you mean",
    '[matplotlib]\n"lines.linewidth" = "x"': "matplotlib: Key lines.linewidth: Could not convert",
    "column_width: 3": "not TOML in UTF-8: Expected '=' after a key",
}


@pytest.mark.parametrize("text", BAD)
def test_errors_are_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "style.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        style.read(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ") and BAD[text] in said and "\n" not in said
    with pytest.raises(InputError, match="No such file"):
        style.read(tmp_path / "absent.toml")


def test_a_bad_style_file_writes_nothing(votes: Path, tmp_path: Path) -> None:
    (tmp_path / "style.toml").write_text("font_size = 1")
    words = ["rank", str(votes), "--out", str(tmp_path / "no"), "--style"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "style.toml")])
    assert isinstance(done.exception, InputError) and not (tmp_path / "no").exists()

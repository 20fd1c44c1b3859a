"""What people call methods and files, and what a ranking must say of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.ranking import quality
from analysis.votes.votes import read
from methods.errors import InputError


def votes(folder: Path, rows: str) -> Path:
    path = folder / "votes.csv"
    path.write_text(rows)
    return path


def studied(folder: Path, first: str, second: str) -> Path:
    """Thirty people, of whom two in three prefer the first."""
    rows = [f"p{i},x,{first},{second},{'left' if i % 3 else 'right'}\n" for i in range(30)]
    return votes(folder, "participant,image,left,right,choice\n" + "".join(rows))


def command(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(done.exception, InputError):
        return 2, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.slow
def test_dollars_in_a_name_are_no_mathematics(tmp_path: Path) -> None:
    """Matplotlib would typeset x_1, and fail at \\foo."""
    path = studied(tmp_path, r"$\foo$", "$x_1$")
    code, said = command("rank", path, "--out", tmp_path / "out")
    assert code == 0, said
    assert r"$\foo$" in (tmp_path / "out/ranking.csv").read_text()
    assert (tmp_path / "out/ranking.pdf").stat().st_size > 1000


@pytest.mark.slow
def test_a_name_of_two_hundred_letters_fits_its_plot(tmp_path: Path) -> None:
    code, said = command("rank", studied(tmp_path, "name_" * 40, "b"), "--out", tmp_path / "out")
    assert code == 0, said


def test_out_that_is_a_file(tmp_path: Path) -> None:
    path = studied(tmp_path, "a", "b")
    code, said = command("rank", path, "--out", path)
    assert code == 2 and "is a file; name another folder" in said
    assert path.read_text().startswith("participant")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('left,right,choice,note\na,b,left,"x\n\ny"\n\nb,a,up,z\n', "line 6: choice 'up'"),
        ("left,right,choice\ra,b,left\rb,a,left\n", "lines end with CR alone"),
        ("participant,left,right,choice,check_passed\np,a,b,left,\np,a,c,left,1\n",
         "line 3: a validation question by 'check_passed'"),
    ],
)  # fmt: skip
def test_files_that_mislead(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read(votes(tmp_path, content))


def test_checks_cannot_be_judged_without_their_column(tmp_path: Path) -> None:
    path = studied(tmp_path, "a", "b")
    code, said = command("rank", path, "--max-failed-checks", "0", "--out", tmp_path / "out")
    assert code == 2 and "no column 'check_passed'" in said
    nobody = votes(tmp_path, "left,right,choice\na,b,left\n")
    code, said = command("rank", nobody, "--max-failed-checks", "0", "--out", tmp_path / "out")
    assert code == 2 and "no column 'participant'" in said


def test_who_answers_twice_does_not_agree_with_somebody(tmp_path: Path) -> None:
    rows = [f"p,x,a,b,{c}\n" for c in ("left", "left")] + ["p,y,a,b,left\n", "q,y,a,b,right\n"]
    rows += ["p,z,a,b,left\n", "q,z,a,b,left\n"]
    agreed = quality.agreement(
        read(votes(tmp_path, "participant,image,left,right,choice\n" + "".join(rows)))
    )
    assert agreed and agreed.units == 2


def test_circular_triads_of_single_people(tmp_path: Path) -> None:
    """One person goes round in a circle, one does not, one judged two of the three pairs."""
    rows = [
        "p,x,a,b,left", "p,x,b,c,left", "p,x,c,a,left",
        "q,x,a,b,left", "q,x,b,c,left", "q,x,a,c,left",
        "r,x,a,b,left", "r,x,b,c,left",
    ]  # fmt: skip
    text = "participant,image,left,right,choice\n" + "\n".join(rows) + "\n"
    assert quality.circular_triads(
        read(votes(tmp_path, text)), ["participant", "image"]
    ) == quality.Triads(1, 2)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--people", "50,1e12"], "whole numbers from 2 to 100,000"),
        (["--abilities", "nan,1"], "numbers separated by commas"),
    ],
)
def test_power_of_studies_that_cannot_be(words: list[str], complaint: str) -> None:
    code, said = command("power", *words)
    assert code == 2 and complaint in said

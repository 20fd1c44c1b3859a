"""The analysis from Python: the numbers of the commands, as tables of pandas."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import analysis
import benchmark
from analysis.runs import table_formats
from analysis.runs.run import load
from methods.errors import InputError
from tests.benchmark.conftest import PROTOCOL, save, scene
from tests.command_line import run as command

ABILITIES = {"telea": 0.0, "navier-stokes": 0.5, "Photoshop": 1.2}


@pytest.fixture(scope="module")
def votes() -> pd.DataFrame:
    """A study of twelve people, on the images of the run below."""
    rng = np.random.default_rng(4)
    rows = []
    for person in range(12):
        for question in range(30):
            left, right = rng.choice(list(ABILITIES), 2, replace=False)
            lead = ABILITIES[left] - ABILITIES[right]
            choice = "left" if rng.random() < 1 / (1 + np.exp(-lead)) else "right"
            choice = "tie" if rng.random() < 0.1 else choice
            rows.append((f"p{person}", f"photo {question % 20}", left, right, choice))
    return pd.DataFrame(rows, columns=["participant", "image", "left", "right", "choice"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    for seed in range(20):
        save(folder / "photos" / f"photo {seed}.png", scene(seed, 64, 64))
    (folder / "tiny.toml").write_text(PROTOCOL)
    methods = ["telea", "navier-stokes"]
    benchmark.run(
        folder / "photos", methods, [48, 64], folder / "run", protocol=folder / "tiny.toml"
    )
    return folder / "run"


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, []),
        (
            {"anchor": "telea", "ties": "half", "order": True, "prior": 0.5, "samples": 200},
            [
                "--anchor",
                "telea",
                "--ties",
                "half",
                "--order",
                "--prior",
                "0.5",
                "--samples",
                "200",
            ],
        ),
        (
            {"seed": 3, "bootstrap": "image", "level": 0.9, "min_votes": 2},
            ["--seed", "3", "--bootstrap", "image", "--level", "0.9", "--min-votes", "2"],
        ),
    ],
)
def test_rank_gives_the_files_of_the_command(
    votes: pd.DataFrame, tmp_path: Path, options: dict[str, Any], words: list[str]
) -> None:
    file = tmp_path / "votes.csv"
    votes.to_csv(file, index=False)
    done = command("analysis", "rank", file, "--out", tmp_path / "out", "--by", "image", *words)
    assert done.returncode == 0, done.stderr
    found = analysis.rank(votes, **options)
    for name, table in (
        ("ranking", found.table), ("pairs", found.pairs), ("by_image", found.by_image)
    ):  # fmt: skip
        expected = pd.read_csv(tmp_path / "out" / f"{name}.csv")
        pd.testing.assert_frame_equal(table, expected, check_dtype=False, check_exact=True)
    assert set(found.notes) <= set(done.stdout.replace("\n- ", "\n").splitlines())
    assert str(found).splitlines()[:5] == done.stdout.splitlines()[:5]


def test_a_file_and_its_table_are_ranked_alike(votes: pd.DataFrame, tmp_path: Path) -> None:
    file = tmp_path / "votes.csv"
    votes.to_csv(file, index=False)
    first = analysis.rank(file).table
    assert first.equals(analysis.rank(votes).table)
    assert first.equals(analysis.rank(analysis.read_votes(file)).table)


def test_winners_and_losers_stay_what_they_are(tmp_path: Path) -> None:
    file = tmp_path / "votes.csv"
    file.write_text("winner;loser;weight\na;b;3\nb;a;2\nb;c;1\nc;a;1\n")
    found = analysis.read_votes(file)
    assert list(found) == ["winner", "loser", "weight"]
    assert found["weight"].tolist() == [3.0, 2.0, 1.0, 1.0]
    notes = analysis.rank(found, order=True, bootstrap="vote", samples=100).notes
    assert any("no order effect" in note for note in notes)


def test_orders_are_ranked_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    orders = [">".join(rng.permutation(["a", "b", "c"])) for _ in range(40)]
    votes = pd.DataFrame({"order": orders, "participant": [f"p{i % 8}" for i in range(40)]})
    votes.to_csv(tmp_path / "votes.csv", index=False)
    found = analysis.rank(votes)
    assert "Plackett-Luce" in found.notes[0]
    assert found.table.equals(analysis.rank(analysis.read_votes(tmp_path / "votes.csv")).table)


def test_columns_of_others_and_missing_values(votes: pd.DataFrame) -> None:
    theirs = votes.rename(columns={"left": "A", "right": "B"}).replace({"choice": {"tie": "="}})
    theirs["is_check"] = False
    theirs["response_ms"] = np.nan
    theirs.loc[len(theirs)] = ["p0", None, "telea", "Photoshop", "left", True, 900.0]
    found = analysis.rank(theirs, column={"left": "A", "right": "B"}, answer={"=": "tie"})
    assert found.table.equals(analysis.rank(votes).table)
    assert any("1 answers to validation questions" in note for note in found.notes)


def test_named_levels_of_the_index_are_columns(votes: pd.DataFrame) -> None:
    indexed = votes.set_index(["participant", "image"])
    assert analysis.rank(indexed).table.equals(analysis.rank(votes).table)


def test_answers_and_names_may_be_numbers(votes: pd.DataFrame) -> None:
    number = {"left": 0, "right": 1, "tie": 2}
    theirs = votes.assign(choice=votes["choice"].map(number))
    # As pandas has whole numbers beside a missing one.
    theirs["participant"] = theirs["participant"].str[1:].astype(float)
    answer = {value: word for word, value in number.items()}
    people = pd.DataFrame({"participant": range(12), "excluded": False})
    found = analysis.rank(theirs, answer=answer, participants=people)
    assert found.table.equals(analysis.rank(votes).table)
    with pytest.raises(InputError, match="answer: a dictionary is needed, not list"):
        analysis.rank(theirs, answer=["left"])  # type: ignore[arg-type]


def test_a_separator_is_a_sign_or_the_word_tab(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("left\tright\tchoice\na\tb\tleft\n")
    assert analysis.read_votes(tmp_path / "votes.csv", separator="tab")["left"].tolist() == ["a"]
    for wrong in ("::", "\n"):
        with pytest.raises(InputError, match=r"^separator '.*': must be one sign"):
            analysis.read_votes(tmp_path / "votes.csv", separator=wrong)


def test_participants_as_a_table(votes: pd.DataFrame) -> None:
    people = pd.DataFrame({"participant": votes["participant"].unique(), "excluded": False})
    people.loc[0, "excluded"] = True
    found = analysis.rank(votes, participants=people)
    assert found.table.equals(analysis.rank(votes[votes["participant"] != "p0"]).table)
    with pytest.raises(InputError, match="participant 'p0' is not in the table of participants"):
        analysis.rank(votes, participants=people[1:])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v.rename(columns={"left": "lft"}), "no column 'left', did you mean 'lft'"),
        (lambda v: v.assign(choice="up"), r"DataFrame\.iloc\[0\]: .*'up'"),
        (lambda v: v.replace("Photoshop", None), r"DataFrame\.iloc\[\d+\]: no method in 'left'"),
        (lambda v: v.iloc[:0], "no votes in it"),
        (lambda v: v[[*v, "image"]], "two columns are called 'image'"),
        (
            lambda v: v.drop(columns="image").set_index([v["image"], v["image"]]),
            "two columns are called 'image'",
        ),
        (lambda v: v.assign(left=b"a"), "a cell holds b'a'; one name"),
        (lambda v: v.assign(left=pd.Series("\ud800", v.index, object)), r"'left' holds '\\ud800'"),
        (lambda v: v.assign(choice="left", left="a", right="b"), "never preferred: .* b"),
        (lambda v: v.values.tolist(), "a DataFrame or a path is needed, not list"),
    ],
)
def test_votes_that_cannot_be_ranked(
    votes: pd.DataFrame, change: Callable[[pd.DataFrame], Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as raised:
        analysis.rank(change(votes))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"samples": 3}, "samples: .*100"),
        ({"ties": "third"}, "ties: .*'davidson'"),
        ({"level": 2}, "level"),
        ({"prior": -1}, "prior"),
        ({"anchor": "x"}, "^anchor x: no votes for it"),
        ({"bootstrap": "people"}, "bootstrap: .*'participant'"),
    ],
)
def test_options_that_cannot_be_used(
    votes: pd.DataFrame, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        analysis.rank(votes, **options)


def test_what_is_checked_by_another_library_is_told(votes: pd.DataFrame) -> None:
    checked = analysis.rank(votes, ties="half").checked_against
    assert checked is not None
    assert checked["library"].startswith("choix ")
    assert checked["largest_difference"] < 1e-6
    assert analysis.rank(votes).checked_against is None


def test_times_and_votes_that_are_not_there_are_said(votes: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="no times in the column 'response_ms' to judge speed by"):
        analysis.rank(votes.assign(response_ms=np.nan), min_median_ms=5000)
    checks = votes.assign(is_check=True, check_passed=True)
    with pytest.raises(InputError, match="no votes but answers to validation questions"):
        analysis.rank(checks)


def test_plots_are_pictures_in_a_notebook(votes: pd.DataFrame) -> None:
    ranked = analysis.rank(votes)
    for name in ("ranking", "preferences"):
        png = ranked.plot(name)._repr_png_()  # type: ignore[attr-defined]
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert image is not None and image.std() > 5
    with pytest.raises(InputError, match="choose one of ranking, preferences"):
        ranked.plot("table")


def test_plots_leave_matplotlib_as_it_was(votes: pd.DataFrame) -> None:
    ranked = analysis.rank(votes, samples=100)
    before = dict(mpl.rcParams)
    with ThreadPoolExecutor(4) as threads:
        figures = list(threads.map(lambda _: ranked.plot(), range(8)))
    assert dict(mpl.rcParams) == before
    assert pickle.loads(pickle.dumps(figures[0]))._repr_png_() == figures[0]._repr_png_()


@pytest.mark.slow
def test_all_files_are_written(votes: pd.DataFrame, tmp_path: Path) -> None:
    written = analysis.rank(votes).write(tmp_path / "out")
    assert {"ranking.csv", "rank.json", "ranking.png"} <= {path.name for path in written}
    assert all(path.is_file() for path in written)


def test_the_table_of_a_run_is_that_of_its_report(run: Path) -> None:
    table_formats.write(load(run))
    table = analysis.objective_table(benchmark.read_scores(run))
    expected = pd.read_csv(run / "tables" / "objective.csv")
    assert table.index.tolist() == expected["method"].tolist() == ["telea", "navier-stokes"]
    for size, metric in table.columns:
        assert table[size, metric].tolist() == expected[f"{size}_{metric}"].tolist()
    assert table.to_latex() == (run / "tables" / "objective.tex").read_text()
    assert table.to_markdown() == (run / "tables" / "objective.md").read_text()
    assert analysis.objective_table(run).equals(table)


def test_a_part_of_the_scores_has_a_table_of_its_own(run: Path, tmp_path: Path) -> None:
    scores = benchmark.read_scores(run)
    part = scores[(scores["resolution"] == 48) & scores["image"].isin(["photo 3", "photo 4"])]
    table = analysis.objective_table(part)
    means = part.groupby("method")["psnr"].mean()
    assert table[48, "psnr"].to_dict() == pytest.approx(means.to_dict(), rel=1e-12)
    assert list(table.columns) == [(48, "l1"), (48, "psnr"), (48, "ssim")]
    assert any("Means over 2 images" in note for note in table.notes)
    assert "A selection: 2 of 20 images of the run." in table.notes
    assert table.to_latex(tmp_path / "table.tex") == (tmp_path / "table.tex").read_text()
    assert type(table[[48]]) is pd.DataFrame


def test_a_photograph_without_a_value_of_one_method_is_left_out_for_all(run: Path) -> None:
    scores = benchmark.read_scores(run)
    first = scores.index[scores["resolution"] == 48][0]
    image = scores.loc[first, "image"]
    table = analysis.objective_table(scores.assign(psnr=scores["psnr"].drop(first)))
    rest = scores[(scores["resolution"] == 48) & (scores["image"] != image)]
    means = rest.groupby("method")["psnr"].mean()
    assert table[48, "psnr"].to_dict() == pytest.approx(means.to_dict(), rel=1e-12)
    (said,) = [note for note in table.notes if "leave out" in note]
    assert "PSNR: means, differences and plots leave out 1 of 20 images for all" in said
    assert f"({image}: {scores.loc[first, 'method']}), it is missing" in said


def test_copies_of_the_table_keep_its_layout_and_changes_are_seen(run: Path) -> None:
    table = analysis.objective_table(run)
    for copied in (table.copy(), copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert copied.notes == table.notes
        assert copied.to_latex() == table.to_latex()
    changed = table.copy()
    changed.iloc[0, 0] = 999.0
    assert "999" in changed._repr_html_() and "999" not in table._repr_html_()
    with pytest.raises(InputError, match="changed since it was made"):
        changed.to_latex()


def test_a_notebook_shows_the_best_in_bold(run: Path) -> None:
    table = analysis.objective_table(run)
    shown = table._repr_html_()
    (rule,) = re.findall(r"([^}]*)\{\s*font-weight: bold", shown)
    bold = set(re.findall(r"row(\d)_col(\d)", rule))
    values = {
        place: float(text)
        for *place, text in re.findall(r'row(\d)_col(\d)" class="data[^>]*>([\d.]+)<', shown)
        for place in [tuple(place)]
    }
    assert len(bold) == table.shape[1] and len(values) == table.size
    assert "caption-side: bottom" in shown
    for row, column in bold:
        others = [value for place, value in values.items() if place[1] == column]
        better = min if table.columns[int(column)][1] == "l1" else max
        assert values[row, column] == better(others)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: pd.DataFrame(s.to_dict("list")), "does not know its run"),
        (lambda s: pd.concat([s, s]), "two rows for one method"),
        (lambda s: s.drop(columns="resolution"), "no column 'resolution'"),
        (lambda s: s.iloc[:0], "no rows"),
        (lambda s: s.drop(columns="psnr"), "no column 'psnr'"),
        (lambda s: s.assign(psnr="x"), "column 'psnr' is not of numbers"),
        (lambda s: s.assign(status=None), "status None is no text"),
        (lambda s: s.assign(resolution=64.5), "resolution 64.5 is no whole number"),
        (lambda s: s.assign(method="another"), "two rows|'another' is not in the run"),
        (lambda s: s.assign(image=s["image"] + "x"), "'photo 0x' is not in the run"),
        (lambda s: s["psnr"].tolist(), "a DataFrame or a path is needed, not list"),
    ],
)
def test_scores_that_cannot_be_used(
    run: Path, change: Callable[[pd.DataFrame], Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        analysis.objective_table(change(benchmark.read_scores(run)))


@pytest.mark.slow
def test_correlate_gives_the_file_of_the_command(
    run: Path, votes: pd.DataFrame, tmp_path: Path
) -> None:
    file, out = tmp_path / "votes.csv", tmp_path / "out"
    votes.to_csv(file, index=False)
    words = ["--out", out, "--resolution", 48, "--samples", 100]
    done = command("analysis", "correlate", run, file, *words)
    assert done.returncode == 0, done.stderr
    found = analysis.correlate(benchmark.read_scores(run), votes, 48, samples=100)
    expected = pd.read_csv(out / "correlate.csv")
    pd.testing.assert_frame_equal(
        found, expected, check_dtype=False, check_exact=True, check_names=False
    )
    assert any("Photoshop" in note for note in found.attrs["notes"])
    assert analysis.correlate(run, votes, "48", samples=100).equals(found)
    with pytest.raises(InputError, match=r"resolution 96: not in this run \(48, 64\)"):
        analysis.correlate(run, votes, 96)
    with pytest.raises(InputError, match=r"no vote on images .* votes on the image 'x' are left"):
        analysis.correlate(run, votes.assign(image="x"))

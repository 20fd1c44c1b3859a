"""Names in any script and with any character are shown as they are, wherever they are shown."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from itertools import chain, pairwise
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from typer.testing import CliRunner

from analysis import fonts, style
from analysis.__main__ import app
from analysis.output import latex_table, markdown
from analysis.ranking import plots as ranking_plots
from analysis.ranking.ranking import Settings, rank
from analysis.runs import differences, plots, run, table_formats, tables
from analysis.votes.votes import read
from methods.terminal import plain_console
from tests.analysis.conftest import INFO, SCORES, write_run
from tests.analysis.latex import compiled

NAMES = [
    "telea [ours] [/b] :bug:", "50 % {0} #1 & $x_1$ ~^", "<b>bold</b> *a* `b` _c_",
    "метод Ёж", "μέθοδος Ω", "方法", "שיטה", "طريقة",
]  # fmt: skip
LONG = [
    "dfnet as stage one, alone (not refined)",
    "a method with a name of sixty-five characters as people give them",
    "Photoshop_content_aware_fill_2024_export_without_any_blank_in_name",
    "Photoshop_content_aware_fill_2024_export_without_any_blank_in_namf",
]


def run_of(folder: Path, first: str, second: str) -> Path:
    info = json.loads(json.dumps(INFO).replace("[a]", "FIRST").replace("b|ar", "SECOND"))
    for method in info["methods"]:
        method["label"] = method["label"].replace("FIRST", first).replace("SECOND", second)
    rows = csv.reader(SCORES.splitlines())
    written = folder / "run"
    write_run(written, info, "")
    with (written / "scores.csv").open("w", newline="") as file:
        for row in rows:
            row[0] = {"[a]": first, "b|ar": second}.get(row[0], row[0])
            csv.writer(file).writerow(row)
    return written


def votes_of(folder: Path, names: list[str]) -> Path:
    """Thirty people, each of whom prefers the earlier name in two of three pairs of neighbours."""
    with (folder / "votes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["participant", "image", "left", "right", "choice"])
        for person in range(30):
            for left, right in pairwise(names):
                writer.writerow([person, "x", left, right, "left" if person % 3 else "right"])
    return folder / "votes.csv"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("name", NAMES)
def test_a_terminal_shows_the_name(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tables.objective(run.load(run_of(tmp_path, name, "other")))
    table_formats.show(table, plain_console())
    assert f"{name} " in capsys.readouterr().out
    done = CliRunner().invoke(
        app, ["rank", str(votes_of(tmp_path, [name, "other"])), "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0 and f"| 1 | {name} |" in done.output
    with (tmp_path / "out/ranking.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["method"] == name


def test_markdown_is_escaped() -> None:
    assert markdown("a_b *c* <i> [x](y) $z$ | `d` \\") == (
        r"a\_b \*c\* \<i\> \[x](y) \$z\$ \| \`d\` " + "\\\\"
    )
    assert [markdown(text) for text in (":bug:", "at 9:15: x", "# a", "1. b", "-c")] == [
        r"\:bug:", "at 9:15: x", r"\# a", r"1\. b", r"\-c",
    ]  # fmt: skip


ENGINES = {
    "latin": (
        "pdflatex",
        "",
        ["[x] first", "a_b & 50% #1 {x} ~^ \\", "Łódź ñ <b>", "μέθοδος Ω", "*star", "[y] last"],
    ),
    "cyrillic": ("pdflatex", r"\usepackage[T2A,T1]{fontenc}", ["метод $x$", "[Ёж] и x [y]"]),
    "others": (
        "lualatex",
        r"\usepackage{fontspec}\directlua{luaotfload.add_fallback('names', {"
        r"'DejaVu Sans:mode=harf;', 'WenQuanYi Zen Hei:mode=harf;'})}"
        r"\setmainfont{Latin Modern Roman}[RawFeature={fallback=names}]",
        ["方法", "שיטה", "طريقة", "метод"],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("script", ENGINES)
def test_latex_tables_of_names_in_any_script_compile(script: str, tmp_path: Path) -> None:
    engine, preamble, names = ENGINES[script]
    table = latex_table(
        ["method", "x"], [[name, "1.0"] for name in names], [f"{name}: note" for name in names],
        names=[0], caption=f"Results of {names[0]}", label="x",
    )  # fmt: skip
    assert ("lualatex with fonts" in table.splitlines()[0]) == (engine == "lualatex")
    assert ("T2A" in table.splitlines()[0]) == (script == "cyrillic")
    (tmp_path / "table.tex").write_text(table)
    compiled(tmp_path, r"\input{table}", r"\documentclass{article}" + preamble, engine)
    assert "Missing character" not in (tmp_path / "paper.log").read_text(errors="replace")


def assert_nothing_is_cut_or_overlaps(figure: Figure) -> None:
    figure.draw_without_rendering()
    names = [text for legend in figure.legends for text in legend.get_texts()]
    names += [text for axes in figure.axes for text in (axes.title, *axes.get_yticklabels())]
    for text in filter(Text.get_text, names):
        box = text.get_window_extent()
        assert box.x0 > -3 and box.x1 < figure.bbox.x1 + 3, text.get_text()
    for axes in figure.axes:
        ticks = [text for text in axes.get_yticklabels() if text.get_text()]
        boxes = sorted((text.get_window_extent() for text in ticks), key=lambda box: box.y0)
        assert all(below.y1 <= above.y0 + 2 for below, above in pairwise(boxes))
    titles = [axes.title.get_window_extent() for axes in figure.axes if axes.title.get_text()]
    for i, one in enumerate(titles):
        assert not any(one.overlaps(other) for other in titles[i + 1 :])


def whole(texts: Iterable[Text]) -> set[str]:
    """Labels without their line breaks, which stand for blanks or for nothing."""
    return {text.get_text().replace("\n", "").replace(" ", "") for text in texts}


@pytest.mark.slow
def test_long_names_are_neither_cut_nor_on_each_other(tmp_path: Path) -> None:
    loaded = run.load(run_of(tmp_path, LONG[1], LONG[2]))
    ranking = rank(read(votes_of(tmp_path, [*LONG, "d"])), Settings(samples=100))
    short = rank(read(votes_of(tmp_path, ["a", "b"])), Settings(samples=100))
    with style.styled():
        found = [*plots.all_plots(loaded, tables.objective(loaded), differences.to_best(loaded))]
        for plot in found:
            assert_nothing_is_cut_or_overlaps(plot.figure)
        for _, figure in chain(*map(ranking_plots.all_plots, (ranking, short))):
            assert_nothing_is_cut_or_overlaps(figure)
    expected = {name.replace(" ", "") for name in (LONG[1], LONG[2])}
    for plot in found[:-1]:
        assert expected <= whole(plot.figure.legends[0].get_texts())
    titles = [axes.title for axes in found[-1].figure.axes]
    labels = [text for axes in found[-1].figure.axes for text in axes.get_yticklabels()]
    assert found[-1].name == "differences"
    assert whole(labels) - {""} | {t.partition("best:")[2] for t in whole(titles)} >= expected
    for _, figure in ranking_plots.all_plots(ranking):
        (axes,) = figure.axes
        assert whole(axes.get_yticklabels()) == {name.replace(" ", "") for name in [*LONG, "d"]}
    # Below the matrix there is room for one line only: shortened, but each for itself.
    below = [text.get_text() for text in axes.get_xticklabels()]
    assert len(set(below)) == len(LONG) + 1 and max(map(len, below)) < 30


def test_shortened_names_stay_different_wherever_they_differ() -> None:
    start, end = "the same beginning of ", " and the same end of it"
    names = [f"{start}one{end}", f"{start}two{end}", "other", f"{start}one{end}s"]
    labels = style.short_labels(names)
    assert len(set(labels)) == 4 and labels[2] == "other" and "…" in labels[3]
    long = [f"{n}{'x' * 3000}{n % 2}" for n in range(4)]
    assert len(set(style.wrapped_labels(long))) == 4
    assert max(label.count("\n") for label in style.wrapped_labels(long)) < 10


@pytest.mark.slow
def test_a_plot_falls_back_to_a_font_with_the_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """DejaVu Sans Display has hardly any letter; no font has U+E123."""
    with style.styled(style.Style(font="DejaVu Sans Display")):
        figure = Figure()
        text = figure.text(0, 0, "метод 5 \ue123")
        style.save(figure, tmp_path / "plot", ["png"])
        style.save(figure, tmp_path / "again", ["pdf"])
    assert len(text.get_fontfamily()) > 1
    assert set("метод") <= fonts._characters(tuple(text.get_fontfamily()))
    said = capsys.readouterr().err
    assert said.count("note: plots show boxes for \ue123") == 1 and "Noto" in said


def test_looking_for_fonts_makes_no_ticks_that_nobody_sees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In figures of small photographs they took 6 to 13 % of the time."""
    asked = []
    monkeypatch.setattr(fonts, "_characters", lambda families: asked.append(families) or {*"метод"})
    with style.styled():
        figure = Figure()
        bare, plot = figure.subplots(2)
        bare.set_axis_off()
        bare.set_title("метод")
        plot.set_xlabel("метод")
        fonts.use_fallbacks(figure)
    # The title and the label.
    assert len(asked) == 2
    assert len(bare.xaxis.majorTicks) < len(plot.xaxis.majorTicks)

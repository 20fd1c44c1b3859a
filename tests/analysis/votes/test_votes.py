"""What a votes file may look like, and by which line a bad one is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.votes.votes import Reading, read
from methods.errors import InputError

GOOD = "left,right,choice\na,b,left\nb,a,left\n"


def refused(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "FILE")


BAD = {
    "short": (GOOD + "a,b\n", "FILE line 4: 2 fields, the header has 3"),
    "long": (GOOD + "a,b,left,really\nc\n", "FILE line 4: 4 fields, the header has 3"),
    "short after a quoted line break": (
        'left,right,choice\n"a\nx",b,left\nb,"a ""x""",left\nb,a\n',
        "FILE line 5: 2 fields, the header has 3",
    ),
    "semicolon in one row": (GOOD + "a;b;left\n", "FILE line 4: 1 field, the header has 3"),
    "open quote": (GOOD + '"a,b,left\nb,a,left\n', "FILE line 4: a quote is opened here and never"),
    "two encodings": (
        GOOD.encode() + "é,b,left\n".encode() + "é,b,left\n".encode("latin-1"),
        "FILE line 5: not UTF-8 (byte 0xe9); save it as UTF-8",
    ),
    "header of another encoding": (
        "léft,right,choice\n".encode("latin-1"),
        "FILE line 1: not UTF-8 (byte 0xe9)",
    ),
    "UTF-16": (GOOD.encode("utf-16-le"), "FILE line 1: a NUL byte; save it as UTF-8 CSV"),
    "UTF-16 of Windows": (
        GOOD.replace("\n", "\r\n").encode("utf-16-le"),
        "FILE line 1: a NUL byte; save it as UTF-8 CSV",
    ),
    "two columns of a name": (
        "left,right,choice,left\na,b,left,a\n",
        "FILE line 1: 2 columns are called 'left'",
    ),
    "row without methods": (GOOD + ",,tie\n", "FILE line 4: no method in 'left'"),
    "nobody": (
        "participant,left,right,choice\np,a,b,left\n,b,a,left\n,b,a,left\n",
        "FILE line 3: no participant in 'participant' (2 such lines)",
    ),
    "blank lines count": (GOOD + "\n\na,a,left\n", "FILE line 6: 'a' against itself"),
    "itself but for a blank": (GOOD + "a, a,left\n", "FILE line 4: 'a' against itself"),
    "misspelt": ("left,rihgt,choice\na,b,left\n", "no column 'right', did you mean 'rihgt'?"),
    "flag": (
        "left,right,choice,is_check\na,b,left,0\na,b,left,perhaps\n",
        "FILE line 3: is_check 'perhaps' cannot be used",
    ),
    "number": (
        "left,right,choice,response_ms\na,b,left,\na,b,left,1e999\n",
        "FILE line 3: response_ms '1e999' cannot be used",
    ),
    "time before the question": (
        "left,right,choice,response_ms\na,b,left,-5\n",
        "FILE line 2: response_ms '-5' cannot be used; write a number, not below 0",
    ),
    "decimal comma": (
        "left;right;choice;weight\na;b;left;1,5\n",
        "FILE line 2: weight '1,5' cannot be used; write a number, not below 0, with a point for",
    ),
    "flag of a German Excel": (
        "left;right;choice;is_check\na;b;left;wahr\n",
        "FILE line 2: is_check 'wahr' cannot be used; write 1 or 0, true or false, yes or no",
    ),
    "a quote closed too late": (
        GOOD + f'a,b,"{"x" * 200_000}"\n',
        "FILE line 4: a quote is opened here and not closed in 131,072 characters",
    ),
    "no weight": (
        "left,right,choice,weight\na,b,left,1\na,b,left,\n",
        "FILE line 3: weight '' cannot be used",
    ),
    "negative weight": ("winner,loser,weight\na,b,-1\n", "FILE line 2: weight '-1' cannot"),
    "twice among many": (
        "participant,question,left,right,choice\n"
        + "".join(f"p{i % 7},{i},a,b,left\n" for i in range(70))
        + "p3,10,a,b,left\n",
        "FILE lines 12 and 72: participant 'p3' answered question '10' twice; keep one",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_line_that_names_the_first_bad_row(case: str, tmp_path: Path) -> None:
    content, said = BAD[case]
    assert said in refused(tmp_path / "votes.csv", content)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    assert "FILE: " in refused(tmp_path / "votes.parquet", GOOD)


SAME = {
    "line ends of Windows": GOOD.replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + GOOD,
    "blank lines": GOOD.replace("\nb", "\n\nb") + "\n\n",
    "no line end at the end": GOOD[:-1],
    "quotes": '"left","right","choice"\n"a","b","left"\n"b","a","left"\n',
    "blanks around words": GOOD.replace("a,b,left", " a,b , LEFT "),
    "tabs": GOOD.replace(",", "\t"),
}


@pytest.mark.parametrize("case", SAME)
def test_what_programs_write_differently_reads_the_same(case: str, tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_bytes(SAME[case].encode())
    frame = read(tmp_path / "votes.csv").frame
    rows = frame[["left", "right", "choice"]].to_numpy().tolist()
    assert rows == [["a", "b", "left"], ["b", "a", "left"]]


def test_parquet_reads_as_csv_does_whatever_its_types(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "participant": [7.0, 7.0, 8.0],
            "question": [1, 2, 1],
            "left": pd.Series(["a", "b", "NA"], dtype="category"),
            "right": ["b", "a", "b"],
            "choice": ["left", "tie", "b"],
            "is_check": [False, False, True],
            "check_passed": [None, None, True],
            "response_ms": [1000.5, None, 3.0],
        }
    )
    table.to_parquet(tmp_path / "votes.parquet")
    table.to_csv(tmp_path / "votes.csv", index=False)
    parquet, text = (read(tmp_path / f"votes.{suffix}").frame for suffix in ("parquet", "csv"))
    assert parquet.to_csv(index=False) == text.to_csv(index=False)
    assert parquet["participant"].tolist() == ["7.0", "7.0", "8.0"]
    assert parquet["choice"].tolist() == ["left", "tie", "right"]


TYPED = {
    "list": ([["a"], ["b"]], "column 'left' is of type list<element: string>; save it as text or"),
    "struct": ([{"x": 1}, {"x": 2}], "column 'left' is of type struct<x: int64>; save it as text"),
    "binary": ([b"a", b"\xff"], "column 'left' is of type binary; save it as text or numbers"),
}


@pytest.mark.parametrize("kind", TYPED)
def test_a_column_of_another_type_is_refused_by_its_name(kind: str, tmp_path: Path) -> None:
    left, said = TYPED[kind]
    table = pd.DataFrame({"left": left, "right": ["c", "c"], "choice": ["left", "left"]})
    table.to_parquet(tmp_path / "votes.parquet")
    with pytest.raises(InputError) as caught:
        read(tmp_path / "votes.parquet")
    assert str(caught.value).startswith(f"{tmp_path / 'votes.parquet'}: {said}")


def test_uuids_of_parquet_are_refused_by_the_name_of_their_column(tmp_path: Path) -> None:
    """As DuckDB writes them."""
    people = pa.array([bytes(range(16)), bytes(16)], pa.uuid())
    columns = {"left": ["a", "b"], "right": ["b", "a"], "choice": ["left", "left"]}
    pyarrow.parquet.write_table(
        pa.table({**columns, "participant": people}), tmp_path / "votes.parquet"
    )
    with pytest.raises(InputError, match=r"column 'participant' is of type .*uuid.*; save it as"):
        read(tmp_path / "votes.parquet")


def test_what_is_no_number_in_parquet_is_missing(tmp_path: Path) -> None:
    """Programs other than pandas write NaN, not a null."""
    path, numbers = tmp_path / "votes.parquet", pa.array([1.5, float("nan"), 3.0])
    columns = {"left": ["a"] * 3, "right": ["b"] * 3, "choice": ["left"] * 3}
    pyarrow.parquet.write_table(pa.table({**columns, "response_ms": numbers}), path)
    times = read(path).frame["response_ms"]
    assert times.isna().tolist() == [False, True, False] and times.sum() == 4.5
    pyarrow.parquet.write_table(pa.table({**columns, "participant": numbers}), path)
    with pytest.raises(InputError, match="row 2: no participant in 'participant'"):
        read(path)


def test_rows_of_parquet_are_counted_from_the_first(tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    good = {"left": ["a"] * 4, "right": ["b"] * 4, "choice": ["left"] * 4}
    for changed, said in {
        ("choice", ("left", "up", "left", "up")): "row 2: choice 'up' (2 such rows); left, right",
        ("left", ("a", "a", "b", "a")): "row 3: 'b' against itself",
        ("left", (None, "a", "a", "a")): "row 1: no method in 'left'",
        ("weight", (1.0, 1.0, 1.0, -1.0)): "row 4: weight '-1.0' cannot be used",
    }.items():
        pd.DataFrame(good | {changed[0]: changed[1]}).to_parquet(path)
        with pytest.raises(InputError) as caught:
            read(path)
        assert f"votes.parquet {said}" in str(caught.value)
    answered = {"participant": ["p"] * 4, "question": [1, 2, 3, 2]}
    pd.DataFrame(good | answered).to_parquet(path)
    with pytest.raises(InputError, match="rows 2 and 4: participant 'p' answered question '2'"):
        read(path)


def test_a_damaged_parquet_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    pd.DataFrame({"left": ["a"], "right": ["b"], "choice": ["left"]}).to_parquet(path)
    good = path.read_bytes()
    chunk = pyarrow.parquet.ParquetFile(path).metadata.row_group(0).column(0)
    # Where the column's first page says what it holds.
    place = chunk.dictionary_page_offset
    bad_page = good[:place] + bytes(8) + good[place + 8 :]
    for bad in (good[:-20], bad_page, good.replace(b"left", b"l\xffft")):
        path.write_bytes(bad)
        with pytest.raises(InputError, match=r"votes\.parquet: .") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.votes.parquet.find_spec", lambda name: None)
    said = refused(tmp_path / "votes.parquet", b"PAR1")
    assert said == "FILE: Parquet needs pyarrow: pip install '.[parquet]'; or use CSV"


def test_names_that_look_like_values_stay_what_they_are(tmp_path: Path) -> None:
    names = ["NA", "null", "1", "01", "1.0", "True", "2024-01-01", "1e5"]
    rows = [f"{name},nan,left" for name in names]
    (tmp_path / "votes.csv").write_text("\n".join(["left,right,choice", *rows]) + "\n")
    frame = read(tmp_path / "votes.csv").frame
    assert frame["left"].tolist() == names and set(frame["right"]) == {"nan"}


def test_texts_of_any_length_and_a_byte_of_zero(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text(f"left,right,choice,why\na,b,left,{'x' * 200_000}\n")
    assert read(tmp_path / "votes.csv").frame["left"].tolist() == ["a"]
    (tmp_path / "votes.csv").write_bytes(b"left,right,choice\na\0,b,left\n")
    assert read(tmp_path / "votes.csv").frame["left"].tolist() == [r"a\x00"]


@pytest.mark.slow
@pytest.mark.parametrize("written", ["{}", '"{}"'])
def test_a_row_of_many_is_named_by_its_line(tmp_path: Path, written: str) -> None:
    # Files are read in parts of so many rows.
    rows = [f"p{i},{i},a,b,{written.format('left')}" for i in range(2**16)]
    rows[-1] = "p5,5,b,a,left"
    heading = "participant,question,left,right,choice"
    said = refused(tmp_path / "votes.csv", "\r\n".join([heading, *rows, ""]))
    assert said == "FILE lines 7 and 65537: participant 'p5' answered question '5' twice; keep one"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_flags_that_another_program_made_floats(suffix: str, tmp_path: Path) -> None:
    """As pandas does in a column with gaps."""
    path = tmp_path / f"votes.{suffix}"
    flags = {"is_check": [0.0, 1.0, 1.0], "check_passed": [None, 1.0, 0.0]}
    table = pd.DataFrame({"left": ["a"] * 3, "right": ["b"] * 3, "choice": ["left"] * 3} | flags)
    table.to_parquet(path) if suffix == "parquet" else table.to_csv(path, index=False)
    frame = read(path).frame
    assert frame["is_check"].tolist() == [False, True, True]
    assert frame["check_passed"].tolist() == [pd.NA, True, False]
    table.assign(is_check=[0.0, 0.5, 1.0]).to_csv(tmp_path / "votes.csv", index=False)
    with pytest.raises(InputError, match=r"line 3: is_check '0\.5' cannot be used"):
        read(tmp_path / "votes.csv")


def test_an_empty_answer_may_be_a_tie_and_a_word_may_be_a_method(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("left,right,choice\na,b,\nleft,b,left\nb,left,b\n")
    frame = read(tmp_path / "votes.csv", Reading(answers={"": "tie"})).frame
    assert frame["choice"].tolist() == ["tie", "left", "left"]


def test_columns_that_are_not_used_are_said_and_what_was_meant(tmp_path: Path) -> None:
    rows = ["participent,left,right,choice,browser"]
    rows += [f"p{i},a,b,{'left' if i % 3 else 'right'},x" for i in range(9)]
    (tmp_path / "votes.csv").write_text("\n".join(rows) + "\n")
    done = CliRunner().invoke(app, ["validate", str(tmp_path / "votes.csv")])
    assert "'participent' is not used (is 'participant' meant? --column participant=" in done.output
    assert "the column 'browser' is not used\n" in done.output


def test_a_column_of_the_other_form_is_not_taken_for_a_misspelt_one(tmp_path: Path) -> None:
    rows = [f"p{i},a,b,{'left' if i % 3 else 'right'},a,b" for i in range(9)]
    text = "participant,left,right,choice,winner,loser\n" + "\n".join(rows) + "\n"
    (tmp_path / "votes.csv").write_text(text)
    done = CliRunner().invoke(app, ["validate", str(tmp_path / "votes.csv")])
    assert "2 columns are not used: 'winner', 'loser'\n" in done.output
    assert "meant?" not in done.output


def test_methods_that_look_alike_are_named(tmp_path: Path) -> None:
    rows = ["left,right,choice", "ours,b,left", "ours\u200b,b,left", "b,Ours,tie", "b,ours,left"]
    rows += ["b,ours\u200b,left", "b,Ours,left", "Ours,b,left"]
    (tmp_path / "votes.csv").write_text("\n".join(rows), "utf-8")
    done = CliRunner().invoke(app, ["validate", str(tmp_path / "votes.csv")])
    assert done.exit_code == 0
    assert r"'Ours' and 'ours' and 'ours\u200b' differ only in capitals, blanks or" in done.output
    (tmp_path / "votes.csv").write_text("\n".join(rows[:3]), "utf-8")
    done = CliRunner().invoke(app, ["validate", str(tmp_path / "votes.csv")])
    assert r"'ours' and 'ours\u200b' differ only in" in str(done.exception)


def test_participants_twice_or_ragged_are_refused(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("participant,left,right,choice\np,a,b,left\n")
    for text, said in {
        "participant,excluded\np,0\nq,1\np,1\n": "lines 2 and 4: participant 'p' twice",
        "participant,excluded,reason\np,0\n": "line 2: 2 fields, the header has 3",
        "participant,exclude\np,0\n": "no column 'excluded', did you mean 'exclude'?",
        "participant,excluded\np,0.0\nq,2.0\n": "line 3: excluded '2.0' cannot be used",
        "participant,excluded\np,maybe\n": "line 2: excluded 'maybe' cannot be used",
    }.items():
        (tmp_path / "participants.csv").write_text(text)
        words = ["rank", str(tmp_path / "votes.csv"), "--out", str(tmp_path / "out")]
        words += ["--participants", str(tmp_path / "participants.csv")]
        done = CliRunner().invoke(app, words)
        assert said in str(done.exception) and not (tmp_path / "out").exists()


def test_control_characters_in_names_are_shown_and_keep_names_apart(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    path.write_text("left,right,choice\na\x1b[2J,a\x07,left\na\x07,\u202eb,right\n", "utf-8")
    frame = read(path).frame
    assert set(frame["left"]) | set(frame["right"]) == {r"a\x1b[2J", r"a\x07", r"\u202eb"}

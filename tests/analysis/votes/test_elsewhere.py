"""Votes from elsewhere: what spreadsheets and platforms write is read, or refused in a line."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.votes.votes import Reading, read
from methods.errors import InputError

ROWS = "left,right,choice\nA,B,left\nB,A,tie\n"


def rows(path: Path, content: str | bytes, reading: Reading | None = None) -> list[tuple[str, ...]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    frame = read(path, reading).frame[["left", "right", "choice"]]
    return list(frame.itertuples(index=False, name=None))


def refused(path: Path, content: str | bytes, reading: Reading | None = None) -> str:
    with pytest.raises(InputError) as caught:
        rows(path, content, reading)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(path), "FILE")


SAME: dict[str, str | bytes] = {
    "semicolons": ROWS.replace(",", ";"),
    "pipes": ROWS.replace(",", "|"),
    "semicolons and commas in a heading": (
        'left;right;choice;"Why (colour, seams, edges, other)?"\nA;B;left;seams\nB;A;tie;\n'
    ),
    "commas and semicolons in every row": "left,right,choice,why\nA,B,left,x;y\nB,A,tie,x;y\n",
    "Excel's line": "sep=;\r\nleft;right;choice\r\nA;B;left\r\nB;A;tie\r\n",
    "Excel's line in quotes after a mark": '\ufeff"sep=|"\n' + ROWS.replace(",", "|"),
    "Excel's line in Unicode Text": ("sep=\t\n" + ROWS.replace(",", "\t")).encode("utf-16"),
    "Unicode Text": b"\xfe\xff" + ROWS.replace(",", "\t").encode("utf-16-be"),
    "columns without a name": "left,right,choice,,\nA,B,left,,\nB,A,tie,,\n",
    "separators that Excel leaves out": "left,right,choice,,\nA,B,left\nB,A,tie,\n",
    "separators that Excel adds": "left,right,choice\nA,B,left,\nB,A,tie,,,\n",
    "numbers of rows": ",left,right,choice\n0,A,B,left\n1,B,A,tie\n",
    "unused columns of a name": "left,right,choice,note,note\nA,B,left,x,y\nB,A,tie,,\n",
    "blanks in the heading": "left , right,choice \nA,B ,left\n B,A, tie\n",
    "blank lines around the heading": "\n\n" + ROWS.replace("choice\n", "choice\n\n  \n"),
    "rows that Excel leaves blank": "left;right;choice\nA;B;left\n;;\nB;A;tie\n;;\n; ;\n",
    "blank rows among quotes": 'left,right,choice\n"A",B,left\n,,\nB,A,tie\n',
    "Excel's CSV (Macintosh)": ROWS.replace("\n", "\r"),
    "winner": "left,right,winner\nA,B,A\nB,A,Tie\n",
    "the arena": "model_a,model_b,winner\nA,B,model_a\nB,A,tie (bothbad)\n",
    "the arena since 2025": "model_a,model_b,winner\nA,B,model_a\nB,A,both_bad\n",
    "draw": "left,right,choice\nA,B,A\nB,A,Draw\n",
    "a quote within a text": 'left,right,choice,why\nA,B,left,6" wide\nB,A,tie,\n',
}


@pytest.mark.parametrize("case", SAME)
def test_what_programs_write_reads_the_same(case: str, tmp_path: Path) -> None:
    assert rows(tmp_path / "votes.csv", SAME[case]) == [("A", "B", "left"), ("B", "A", "tie")]


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "two separators": (
        "left,right;choice\nA,B;left\n",
        "FILE: comma or semicolon may separate its columns; save it with one of them, or name",
    ),
    "another separator than Excel's line says": (
        "sep=;\n" + ROWS,
        "FILE: no column 'left': the heading has one column, separated by semicolon; --separator",
    ),
    "a field outside the columns": (
        "left,right,choice,\nA,B,left,,note\n",
        "FILE line 2: 5 fields, the header has 4",
    ),
    "lines after Excel's": ("sep=,\n" + ROWS + "A,B,up\n", "FILE line 5: choice 'up'; left, right"),
    "quote open in the heading": (
        'left,right,"choice\nA,B,left\n',
        "FILE line 1: a quote is opened here and never closed",
    ),
    "Cyrillic of Windows": (
        ROWS.replace("A", "Метод").encode("cp1251"),
        "FILE line 2: not UTF-8 (byte 0xcc); save it as UTF-8 (in Excel: CSV UTF-8)",
    ),
    "half a UTF-16": (b"\xff\xfea", "FILE: begins as UTF-16 but is not; save it as UTF-8"),
    "a workbook called CSV": (b"PK\x03\x04...", "FILE: a spreadsheet, not a text file; save its"),
    "only blank lines": ("\n\n", "FILE: the file is empty"),
    "only a heading and blank lines": ("left,right,choice\n\n", "FILE: no votes in it, only a"),
    "one of two columns of a name": (
        "left,right,choice,left\nA,B,left,C\n",
        "FILE line 1: 2 columns are called 'left'; --column left=NUMBER names one by its number",
    ),
    "numbers for sides": (
        "left,right,choice\nA,B,1\nA,B,2\nA,B,1\n",
        "FILE line 2: choice '1' (3 such lines); left, right, tie or the name of the left or right "
        "method is expected; --answer WORD=left|right|tie says what a word means (here '1', '2')",
    ),
    "a method called left on the right": (
        "left,right,choice\nA,left,left\n",
        "FILE line 2: choice 'left' may mean left, or the method of that name on the right; rename",
    ),
    "another word for the choice": (
        'left,right,"Which?\nL or R"\nA,B,left\n',
        "FILE: no column 'choice'; known: left, right, Which? L or R; needed are left, right and "
        "choice (or winner), or winner and loser; --column choice=NAME names another one, by its "
        "heading or number",
    ),
    "QuickEval": (
        "observer,session,left image,right image,selected image,time spent (in seconds)\n"
        "7,1,a.png,b.png,b.png,2\n",
        "FILE: no column 'left'; it looks like an export of QuickEval: --column 'left=left image'",
    ),
    "jsPsych": (
        '"rt","stimulus","response","trial_type","trial_index","time_elapsed"\n"9","x","0","t","1","9"',
        "FILE: no column 'left'; it looks like an export of jsPsych: keep only the rows of",
    ),
    "Mechanical Turk": (
        "HITId,AssignmentId,WorkerId,Input.left,Answer.choice,Approve,Reject\n3H,3A,A1,A,A\n",
        "FILE: no column 'left'; it looks like an export of Amazon Mechanical Turk: delete the",
    ),
    "Qualtrics": (
        "StartDate,EndDate,RecordedDate,ResponseId,1_Q1\n1,2,3,R_1,Left image\n",
        "FILE: no column 'left'; it looks like an export of Qualtrics: if it has a row for each "
        "person, write a row for each answer",
    ),
    "an unanswered question": (
        ROWS + "A,B,\n",
        "FILE line 4: no choice (delete the rows of unanswered questions); left, right, tie or",
    ),
    "jsPsych with its other trials": (
        "rt,left,right,choice,trial_type,trial_index,time_elapsed\n1,,,,instructions,0,1\n"
        "1,A,B,left,image-button-response,1,2\n",
        "FILE line 2: no",
    ),
}


HEADINGS = {
    "joined files": (ROWS + ROWS.splitlines()[0] + "\nA,B,right\n", (4,)),
    "Qualtrics": (
        'Date,left,right,choice\n"Start\nDate",Left image,Right image,Which?\n'
        '"{""ImportId"":""startDate""}","{""ImportId"":""a""}","{""ImportId"":""b""}",'
        '"{""ImportId"":""QID1""}"\n1,A,B,left\n1,B,A,tie\n1,A,B,right\n',
        (2, 4),
    ),
    "Qualtrics without questions": (
        'winner,loser\n"{""ImportId"":""a""}","{""ImportId"":""b""}"\nA,B\nB,A\nB,A\n', (2,)
    ),
    "two files of Qualtrics": (
        2 * ("winner,loser\nPreferred,Rejected\n" + '"{""ImportId"":""a""}","b"\n' + "A,B\nB,A\n"),
        (2, 3, 6, 7, 8),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HEADINGS)
@pytest.mark.parametrize("as_frame", [False, True])
def test_further_headings_are_no_votes_and_said(case: str, as_frame: bool, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    text, lines = HEADINGS[case]
    path.write_text(text)
    votes = read(pd.read_csv(path) if as_frame else path)
    assert set(votes.frame["left"]) | set(votes.frame["right"]) == {"A", "B"}
    assert len(votes.headings) == len(lines) and (as_frame or votes.headings == lines)
    done = CliRunner().invoke(app, ["validate", str(path)])
    assert done.exit_code == 0, done.exception
    listed = ", ".join(map(str, lines))
    one, more = f"line {listed} is the heading again", f"lines {listed} are headings again"
    assert (one if len(lines) == 1 else more) in done.output


def test_methods_may_be_called_as_columns_are(tmp_path: Path) -> None:
    text = "left,right,winner\nleft,b,left\nb,winner,b\n"
    assert rows(tmp_path / "votes.csv", text) == [("left", "b", "left"), ("b", "winner", "left")]


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_line_with_a_remedy(case: str, tmp_path: Path) -> None:
    content, said = REFUSED[case]
    assert refused(tmp_path / "votes.csv", content).startswith(said)


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods"])
def test_a_workbook_says_how_to_save_it(suffix: str, tmp_path: Path) -> None:
    said = refused(tmp_path / f"votes.{suffix}", b"")
    assert "save its sheet as CSV (in Excel: File, Save As, CSV UTF-8)" in said
    assert "JSON, not CSV" in refused(tmp_path / "votes.json", "[]")


@pytest.mark.parametrize("name", ["votes.csv.gz", "votes.zip"])
def test_a_compressed_file_is_to_be_unpacked(name: str, tmp_path: Path) -> None:
    assert (
        refused(tmp_path / name, b"") == "FILE: compressed; unpack it and give the CSV file in it"
    )


def test_a_folder_is_told_from_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder, not a file"):
        read(tmp_path)


QUESTION = 'left,right,"Which is better?\nLeft or right"\nA,B,left\n'


@pytest.mark.parametrize("name", ["Which is better?", "Which is better? Left or right", "3"])
def test_a_heading_with_a_line_break_has_three_names(name: str, tmp_path: Path) -> None:
    reading = Reading(columns={"choice": name})
    for content in (QUESTION, QUESTION.replace("\n", "\r\n")):
        assert rows(tmp_path / "votes.csv", content, reading) == [("A", "B", "left")]
    assert read(tmp_path / "votes.csv", reading).frame.index.tolist() == [3]


def test_a_name_that_two_columns_may_have_is_refused(tmp_path: Path) -> None:
    content = 'left,right,"Q\n1","Q\n2"\nA,B,left,right\n'
    said = refused(tmp_path / "votes.csv", content, Reading(columns={"choice": "Q"}))
    assert said == "FILE: 'Q' may be each of the columns 3, 4; --column choice=NUMBER names one"
    reading = Reading(columns={"choice": "4"})
    assert rows(tmp_path / "votes.csv", content, reading) == [("A", "B", "right")]
    assert read(tmp_path / "votes.csv", reading).unused == ("Q 1",)


def test_an_answer_may_be_the_heading_of_a_side(tmp_path: Path) -> None:
    sides = {"left": "option 1", "right": "option 2"}
    content = "option 1,option 2,choice\nA,B,Option 2\n"
    assert rows(tmp_path / "v.csv", content, Reading(sides)) == [("A", "B", "right")]
    swapped = Reading({"left": "right", "right": "left"})
    said = refused(tmp_path / "v.csv", ROWS, swapped)
    assert "the column of the left side is called 'right'; --answer right=left|right|tie" in said
    answered = Reading(swapped.columns, {"left": "right", "right": "left"})
    assert rows(tmp_path / "v.csv", ROWS, answered)[0] == ("B", "A", "right")


def test_quickeval_is_read_as_its_hint_says(tmp_path: Path) -> None:
    content, _ = REFUSED["QuickEval"]
    sides = {"left": "left image", "right": "right image", "choice": "selected image"}
    reading = Reading({**sides, "participant": "observer"})
    assert rows(tmp_path / "v.csv", content, reading) == [("a.png", "b.png", "right")]


def test_names_are_compared_in_form_nfc(tmp_path: Path) -> None:
    """As of names that a Mac and another computer wrote; `é` is one character, or two."""
    table = pd.DataFrame({"left": ["caf\u00e9", "B"], "right": ["B", "cafe\u0301"]})
    table["choice"] = ["cafe\u0301", "caf\u00e9"]
    table.to_csv(tmp_path / "votes.csv", index=False)
    table.to_parquet(tmp_path / "votes.parquet")
    for suffix in ("csv", "parquet"):
        frame = read(tmp_path / f"votes.{suffix}").frame
        assert frame["left"].tolist() == ["caf\u00e9", "B"]
        assert frame["right"].tolist() == ["B", "caf\u00e9"]
        assert frame["choice"].tolist() == ["left", "right"]


def test_options_of_the_command(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["validate", str(path), *words])
        return str(done.exception) if isinstance(done.exception, InputError) else done.output

    path.write_text("sep=;\njudge,left,right,choice\nu,A,B,left\nv,A,B,right\n")
    said = run("--separator", ",")
    assert "valid: 2 votes" in said
    assert "'judge' is not used (is 'participant' meant? --column participant=judge" in said
    path.write_text(path.read_text().replace(",", "\t"))
    assert "valid: 2 votes" in run("--separator", "tab")
    assert "--separator '::': must be one sign" in run("--separator", "::")
    pd.read_csv(io.StringIO(ROWS)).to_parquet(tmp_path / "votes.parquet")
    path = tmp_path / "votes.parquet"
    assert "--separator is for CSV files, this is Parquet" in run("--separator", ";")


@pytest.mark.parametrize(
    "content, unused",
    [("left,right,choice\nA,B,1\nA,B,2 \n", ["3"]), ("winner,loser\nA,B\nB,A\n", [*"123"])],
)
def test_an_answer_that_no_row_has_is_said(content: str, unused: list[str], tmp_path: Path) -> None:
    """As of a word that is spelt in another way in the file, or of another file's option."""
    path = tmp_path / "votes.csv"
    path.write_text(content)
    words = ["--answer", " 1=left", "--answer", "2=right", "--answer", "3=tie"]
    done = CliRunner().invoke(app, ["rank", str(path), *words, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.exception
    said = re.findall(r"--answer +(\S+)=...: no row of the file has this answer", done.output)
    assert said == unused
    notes = json.loads((tmp_path / "out/rank.json").read_text())["notes"]
    assert sum("no row of the file has this" in note for note in notes) == len(unused)


def test_results_of_mechanical_turk_are_read_without_the_columns_for_the_requester(
    tmp_path: Path,
) -> None:
    heading = '"HITId","WorkerId","Input.one","Input.two","Answer.best","Approve","Reject"\n'
    content = (
        heading
        + '"3H1","A1","A","B","1"\n"3H2","A1","B","A","2","x"\n"3H2","A2","A","B","2","",""\n'
    )
    sides = {"left": "Input.one", "right": "Input.two", "choice": "Answer.best"}
    reading = Reading({**sides, "participant": "WorkerId"}, {"1": "left", "2": "right"})
    found = rows(tmp_path / "v.csv", content, reading)
    assert found == [("A", "B", "left"), ("B", "A", "right"), ("A", "B", "right")]
    said = refused(tmp_path / "v.csv", heading + '"3H1","A1","A","B"\n', reading)
    assert said == "FILE line 2: 4 fields, the header has 7"
    words = ["--column", "participant=WorkerId", "--answer", "1=left", "--answer", "2=right"]
    for ours, theirs in sides.items():
        words += ["--column", f"{ours}={theirs}"]
    (tmp_path / "v.csv").write_text(content)
    done = CliRunner().invoke(app, ["validate", str(tmp_path / "v.csv"), *words])
    assert "3 columns are not used: 'HITId', 'Approve', 'Reject'\n" in done.output


def test_an_option_that_says_two_things_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("left,right,choice\nA,B,1\nB,A,1\n")
    words = ["validate", str(path), "--answer", "1=left", "--answer"]
    refused = CliRunner().invoke(app, [*words, "1=right"]).exception
    assert str(refused) == "--answer 1=right: --answer 1=left is there too"
    assert CliRunner().invoke(app, [*words, "1=left"]).exit_code == 0


@pytest.mark.parametrize("excluded", ["", "0"])
def test_a_table_that_excludes_nobody_says_so(excluded: str, tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("participant,left,right,choice\np,A,B,left\nq,B,A,left\n")
    table = tmp_path / "people.csv"
    table.write_text(f"participant,excluded\np,{excluded}\nq,{excluded}\n")
    words = ["validate", str(tmp_path / "votes.csv"), "--participants", str(table)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.exception
    nobody = "left out: 0 people with 0 votes, marked in the column 'excluded' of the table of"
    assert nobody in done.output and "valid: 2 votes of 2 people" in done.output
    table.write_text("participant,excluded\np,\nq,1\n")
    done = CliRunner().invoke(app, words)
    assert "left out: 1 person with 1 vote, excluded\n" in done.output
    assert "0 people" not in done.output

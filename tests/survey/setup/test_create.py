"""From results to a study: what is written, what is refused."""

from __future__ import annotations

import csv
import io
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngInfo

from methods.errors import InputError
from survey.setup import create
from survey.study import config, secrets_file, stimuli
from survey.study.config import to_toml
from survey.web.app import create_app
from tests.analysis.conftest import HEADER, INFO, write_pictures, write_run
from tests.paths import ROOT
from tests.survey.conftest import METHODS, make_study, run, write_images


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A run of three methods on three images; one has no result of the third."""
    rows = [
        f"{method},64,{image},ok,1.0,{psnr},0,0,1.0,1.0,\n"
        for method, psnr in (("telea", 20.0), ("two-stage:telea", 18.5), ("dfnet", 25.0))
        for image in "xyz"
        if (method, image) != ("dfnet", "z")
    ]
    rows.append("dfnet,64,z,failed,,,,,,,boom\n")
    folder = write_run(tmp_path / "run", INFO, HEADER + "".join(rows))
    write_pictures(folder, ["telea", "two-stage:telea", "dfnet"], ["x", "y", "z"], 64)
    (folder / "outputs/64/dfnet/z.png").unlink()
    return folder


def design_of(study: Path) -> dict[str, Any]:
    return tomllib.loads((study / "study.toml").read_text())["design"]


def test_a_run_becomes_a_study(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    said = run("create", "--run", finished, "--out", out)
    assert said.returncode == 0, said.stderr
    assert "left out: z by dfnet, which has no result" in said.stdout
    assert "7 questions on dfnet, telea, two-stage:telea" in said.stdout
    design = design_of(out)
    # Of lowest mean PSNR, as the paper's DeepFill v2.
    assert design["check_method"] == "two-stage:telea"
    assert (design["pairs_per_person"], design["checks_per_person"]) == (7, 2)
    token = said.stdout.split("shown only now: ")[1].split()[0]
    assert secrets_file.read(out).is_owner(token) and not secrets_file.read(out).is_owner(
        token + "x"
    )
    assert token not in "".join(p.read_text() for p in out.glob("*.*") if p.suffix != ".db")


def test_options_of_the_paper(finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    said = run(
        "create", "--run", finished, "--resolution", "64", "--methods", "telea,dfnet",
        "--reference", "--check", "two-stage:telea", "--pairs", "3", "--checks", "1",
        "--target-votes", "300", "--ties", "--language", "de", "--seed", "5", "--out", out,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    study = config.read(out)
    assert study.design.methods == ["telea", "dfnet", "reference"]
    assert study.design.target_votes == 300 and study.design.ties and study.design.seed == 5
    assert study.language == "de" and "Bild" in study.instructions
    # Only in validation questions.
    made = {one.method for one in stimuli.read(out)}
    assert made == {"telea", "dfnet", "reference", "two-stage:telea"}


def test_stimuli_show_the_same_pixels_and_nothing_else(tmp_path: Path) -> None:
    """Names, dates, comments, profiles and camera data of the originals stay behind."""
    given = write_images(tmp_path / "images", 2)
    path = tmp_path / "images/telea/photo0.png"
    pixels = np.asarray(PillowImage.open(path))
    info = PngInfo()
    info.add_text("Software", "telea")
    PillowImage.fromarray(pixels).save(path, pnginfo=info, icc_profile=b"telea" * 40)
    study = tmp_path / "study"
    asked = create.Request(out=study, images=given, pairs=2)
    create.create(asked, create.find_images(asked))
    listed = {(one.image, one.method): one for one in stimuli.read(study)}
    one = listed["photo0", "telea"]
    file = study / "stimuli" / f"{one.name}.webp"
    with PillowImage.open(file) as shown:
        assert shown.format == "WEBP" and not shown.info.get("exif")
        assert "icc_profile" not in shown.info
        assert np.array_equal(np.asarray(shown), pixels)
    assert b"telea" not in file.read_bytes()
    assert {path.stat().st_mtime for path in (study / "stimuli").iterdir()} == {0.0}


def test_a_lossy_quality_is_smaller_and_recorded(tmp_path: Path) -> None:
    lossless = make_study(tmp_path / "a")
    lossy = make_study(tmp_path / "b", quality=50)
    sizes = [
        sum(path.stat().st_size for path in (study / "stimuli").iterdir())
        for study in (lossless, lossy)
    ]
    assert sizes[1] < sizes[0] / 2
    assert config.read(lossy).stimuli.quality == 50


def test_secrets_are_for_the_owner_only(folder: Path) -> None:
    for name in ("study.toml", "stimuli.csv", "keys.json", "study.db"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_study_toml_says_what_was_asked_for_and_reads_back(folder: Path) -> None:
    study = config.read(folder)
    tricky = study.model_copy(
        update={"title": 'A "quoted" \\ title', "consent": 'two\nlines """ and \\ more\n'}
    )
    (folder / "study.toml").write_text(to_toml(tricky))
    assert config.read(folder) == tricky


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("ties = false", "tise = false", "design.tise: no such entry, did you mean 'ties'?"),
        ("seed = 0", "seed = -1", "design.seed = -1"),
        ('title = "', "title = ", "study.toml"),
        ('contact = ""', "", ""),
        ('language = "en"', 'language = "eo"', "language = 'eo': there are no texts in it"),
        ("pairs_per_person = 5", "pairs_per_person = 19", "there are only 18 different ones"),
        ("ties = false", 'ties = "no"', "design.ties = 'no'"),
        ('["telea", "patchmatch"', '["telea", "telea"', "'telea' is in it twice"),
        ("checks_per_person = 2", "checks_per_person = 7", "there are only 6 different ones"),
        ('"patchmatch"', '"patchmatsch"', "no images of 'patchmatsch', did you mean 'patchmatch'?"),
        ('against = ""', 'against = "reference"', "design.against 'reference' is not among"),
        ('redirect = ""', 'redirect = "ftp://x"', "must begin with https:// or http://"),
        ('database = "sqlite"', 'database = "mysql://x"', "write sqlite, or postgresql"),
    ],
)
def test_an_edited_study_is_checked(folder: Path, old: str, new: str, complaint: str) -> None:
    path = folder / "study.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    if not complaint:
        create_app(folder)
        return
    with pytest.raises(InputError) as refused:
        create_app(folder)
    assert complaint in str(refused.value) and str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give --run RUN_FOLDER or --images METHOD=DIR"),
        (["--run", "RUN", "--methods", "telea,dfnt"], "'dfnt' at 64 px, did you mean 'dfnet'?"),
        (["--run", "RUN", "--resolution", "1024"], "--resolution 1024: not in"),
        (["--run", "RUN", "--check", "coal"], "no results of 'coal'"),
        (["--run", "NOTHING"], "is NOTHING a run folder?"),
        (["--run", "RUN", "--methods", "telea"], "but there is only telea"),
        (["--run", "RUN", "--methods", "telea,telea"], "'telea' is in it twice"),
        (["--run", "RUN", "--methods", "telea,reference"], "write --reference"),
        (["--run", "RUN", "--images", "reference=IMAGES"], "the run has its own references"),
        (["--images", "a=IMAGES", "--images", "b=DEEP"], "more than 8 bits a channel"),
        (["--images", "a=IMAGES", "--images", "b=CLEAR"], "has transparent pixels"),
        (["--images", "a=IMAGES", "--images", "b=STRANGE"], "no image has results of two"),
        (["--images", "a=LONG", "--images", "b=LONG"], "the most of WebP"),
        (["--run", "RUN", "--pairs", "70"], "there are only 7 different ones"),
        (["--run", "RUN", "--language", "eo"], "language"),
        (["--run", "RUN", "--database", "mysql://x"], "write sqlite, or postgresql"),
        (["--images", "a"], "write it as METHOD=DIR"),
        (["--images", "a=NOTHING"], "no such folder"),
        (["--images", "a=IMAGES", "--images", "a=IMAGES"], "given twice"),
        (["--images", "a=IMAGES", "--images", " a =IMAGES"], "--images a=...: given twice"),
        (["--images", "a\nb=IMAGES", "--images", "b=IMAGES"], "a name of one line, without tabs"),
        (["--images", "a\x1b[2J=IMAGES", "--images", "b=IMAGES"], r"'a\x1b[2J'=...: a name of"),
        (["--images", "a=IMAGES", "--images", "b=IMAGES", "--reference"], "no reference to show"),
        (["--images", "a=IMAGES", "--images", "b=IMAGES", "--check", "a"], "no reference to show"),
        (["--images", "a=IMAGES", "--images", "b=OTHER"], "must have one size"),
        (["--images", "a=IMAGES", "--images", "b=BROKEN"], "cannot be read as an image"),
        (["--images", "a=IMAGES", "--images", "b=EMPTY"], "no images in it"),
        (["--run", "RUN", "--images", "telea=IMAGES"], "in the run and in --images"),
        (["--run", "RUN", "--images", "photoshop=IMAGES"], "the run has no image"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_leaves_nothing(
    finished: Path, tmp_path: Path, words: list[str], complaint: str
) -> None:
    for name, size in (("IMAGES", 32), ("OTHER", 33)):
        (tmp_path / name).mkdir()
        PillowImage.new("RGB", (size, size)).save(tmp_path / name / "photo.png")
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "BROKEN").mkdir()
    (tmp_path / "BROKEN/photo.png").write_bytes(b"not an image")
    for name, image in (
        ("DEEP", PillowImage.new("I;16", (32, 32))),
        ("CLEAR", PillowImage.new("RGBA", (32, 32), (9, 9, 9, 99))),
        ("LONG", PillowImage.new("L", (17000, 8))),
    ):
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / "photo.png")
    (tmp_path / "STRANGE").mkdir()
    PillowImage.new("RGB", (32, 32)).save(tmp_path / "STRANGE/other.png")
    folders = ("IMAGES", "OTHER", "EMPTY", "BROKEN", "DEEP", "CLEAR", "LONG", "STRANGE")
    places = {"RUN": str(finished), **{name: str(tmp_path / name) for name in folders}}
    for name, place in places.items():
        words = [word.replace(name, place) if word.endswith(name) else word for word in words]
    before = sorted(tmp_path.iterdir())
    said = run("create", *words, "--out", tmp_path / "study")
    assert said.returncode == 2 and complaint in said.stderr, said
    assert said.stderr.startswith("error: ") and said.stderr.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_study_is_never_overwritten(folder: Path, tmp_path: Path) -> None:
    given = [word for part in write_images(tmp_path / "more") for word in ("--images", part)]
    said = run("create", *given, "--out", folder)
    assert said.returncode == 2 and "a study is never overwritten" in said.stderr


def test_images_of_anybody_beside_a_run(finished: Path, tmp_path: Path) -> None:
    photoshop = tmp_path / "photoshop"
    photoshop.mkdir()
    for image in "xyz":
        PillowImage.new("L", (64, 64), 99).save(photoshop / f"{image}.jpg")
    out = tmp_path / "study"
    said = run(
        "create", "--run", finished, "--methods", "telea", "--images", f"photoshop={photoshop}",
        "--out", out,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert config.read(out).design.methods == ["telea", "photoshop"]
    assert config.read(out).design.check_method == "telea"


def test_without_references_there_are_no_validation_questions(tmp_path: Path) -> None:
    given = write_images(tmp_path / "images")[: len(METHODS)]
    words = [word for part in given for word in ("--images", part)]
    said = run("create", *words, "--out", tmp_path / "study")
    assert said.returncode == 0 and "no validation questions" in said.stdout
    assert config.read(tmp_path / "study").design.checks_per_person == 0


def test_the_list_of_stimuli_is_the_only_place_that_knows(folder: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((folder / "stimuli.csv").read_text())))
    assert {row["method"] for row in rows} == {*METHODS, "reference"}
    assert all(len(row["name"]) == 32 and int(row["name"], 16) >= 0 for row in rows)


def test_a_database_that_is_gone_is_no_new_study(folder: Path) -> None:
    (folder / "study.db").unlink()
    for words in (["status"], ["serve"], ["export"]):
        said = run(*words, folder, *(["votes.csv"] if words == ["export"] else []))
        assert said.returncode == 2 and "study.db is missing" in said.stderr
    assert not (folder / "study.db").exists()


@pytest.mark.slow
def test_studies_are_written_in_utf8_whatever_the_machine_thinks(tmp_path: Path) -> None:
    given = [word for part in write_images(tmp_path / "i", 2) for word in ("--images", part)]
    done = subprocess.run(
        [sys.executable, "-m", "survey", "create", *given, "--language", "ru", "--out", "study"],
        cwd=tmp_path,
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Какое" in config.read(tmp_path / "study").question

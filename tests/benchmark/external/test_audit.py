"""Results made elsewhere: what the audit finds, what it stops, what is scored and how."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms

from benchmark.external.image_files import describe
from benchmark.metrics import psnr
from methods.images import read_mask, read_rgb, write_png
from tests.analysis.figures.test_figures import command
from tests.benchmark.conftest import Bench, save, scene
from tests.command_line import Done
from tests.command_line import run as run_command

NAMES = ["bright", "cliff", "dunes", "été 1"]


@pytest.fixture
def exported(bench: Bench, tmp_path: Path) -> Path:
    """The inputs for 48 and 64 px as --export-inputs writes them."""
    folder = tmp_path / "for photoshop"
    done = exporting(bench, "--export-inputs", str(folder), "--resolutions", "48,64")
    assert done[:2] == (0, "")
    assert done[2].startswith(f"4 images and masks at 48, 64 px: {folder} (README.txt")
    return folder


def exporting(bench: Bench, *arguments: str) -> tuple[int, str, str]:
    """--export-inputs takes no --out: exit code, stdout, stderr."""
    words = bench.words(*arguments)
    place = words.index("--out")
    words[place : place + 2] = []
    done = run_command("run_benchmark", *words)
    return done.returncode, done.stdout, done.stderr


def filled(folder: Path, size: int, name: str, grey: int = 128) -> np.ndarray:
    """An exported input with its hole filled grey and nothing else touched."""
    image = read_rgb(folder / f"images/{size}/{name}.png")
    image = image.copy()
    image[read_mask(folder / f"masks/{size}/{name}.png")] = grey
    return image


def fill_all(folder: Path) -> Path:
    """Good results for everything that was exported, where README.txt wants them."""
    for size in (48, 64):
        for name in NAMES:
            write_png(folder / f"results/{size}/{name}.png", filled(folder, size, name))
    return folder / "results"


def run(bench: Bench, results: Path, *arguments: str) -> Done:
    given = ("--external", f"PS={results}", "--resolutions", "48,64", *arguments)
    return bench.run(*given)


def audit_rows(bench: Bench) -> dict[tuple[str, str], dict[str, str]]:
    with (bench.out / "audit.csv").open(newline="", encoding="utf-8") as file:
        return {(row["resolution"], Path(row["file"]).name): row for row in csv.DictReader(file)}


@pytest.mark.slow
def test_exported_inputs_are_the_runs_own_with_the_hole_black(bench: Bench, exported: Path) -> None:
    assert bench.run("--methods", "telea", "--resolutions", "48,64").returncode == 0
    for size in (48, 64):
        for name in NAMES:
            image = read_rgb(exported / f"images/{size}/{name}.png")
            mask = read_mask(exported / f"masks/{size}/{name}.png")
            reference = read_rgb(bench.out / f"outputs/{size}/reference/{name}.png")
            assert np.array_equal(mask, read_mask(bench.out / f"masks/{size}/{name}.png"))
            assert (image[mask] == 0).all() and np.array_equal(image[~mask], reference[~mask])
        assert (exported / f"results/{size}").is_dir()
    assert "--resolutions 48,64" in (exported / "README.txt").read_text()


def test_export_never_writes_over_anything(bench: Bench, exported: Path, tmp_path: Path) -> None:
    code, _, said = exporting(bench, "--export-inputs", str(exported))
    assert code == 2 and "exists already; export into a new or empty folder" in said
    code, _, said = exporting(bench, "--export-inputs", str(tmp_path / "n"), "--methods", "telea")
    assert code == 2 and "runs no method" in said and not (tmp_path / "n").exists()
    code, _, said = exporting(bench, "--export-inputs", str(tmp_path / "n"), "--resolutions", "99")
    assert code == 2 and not (tmp_path / "n").exists()
    assert not list(tmp_path.glob(".n*"))


def test_export_needs_no_permissions_to_set(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        # As on a USB stick.
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refused)
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "stick", tmp_path / "empty"):
        assert exporting(bench, "--export-inputs", str(folder), "--resolutions", "48")[0] == 0
        assert (folder / "README.txt").is_file()
        assert folder.stat().st_mode == bench.photos.stat().st_mode
    assert not list(tmp_path.glob(".*"))


def test_good_results_pass_in_silence(bench: Bench, exported: Path) -> None:
    done = run(bench, fill_all(exported))
    assert done.returncode == 0, done.stderr
    assert "audit of external results: 8 ok\n" in done.stderr and "verdict" not in done.stderr
    assert {row["verdict"] for row in audit_rows(bench).values()} == {"ok"}
    row = bench.rows()["PS", 48, "cliff"]
    assert (row["status"], row["known_pixels_changed"], row["scored_as_given"]) == ("ok", "0", "0")
    assert row["seconds"] == "" and row["peak_memory_mb"] == ""


def feathered(folder: Path) -> None:
    """Known pixels beside the hole blended, as a feathered selection does."""
    image = filled(folder, 48, "cliff")
    image[15, 20:25] += 3
    write_png(folder / "results/48/cliff.png", image)


def test_changed_known_pixels_stop_the_run_before_anything_is_written(
    bench: Bench, exported: Path
) -> None:
    results = fill_all(exported)
    feathered(exported)
    done = run(bench, results)
    assert done.returncode == 2 and not bench.out.exists()
    assert "5 known pixels differ (0.25%), by up to 3 grey levels, up to 1 px" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"error: {results}/48/cliff.png: 5 pixels") and "--accept-drift" in last


@pytest.mark.slow
def test_accepted_drift_is_scored_as_given_and_flagged(bench: Bench, exported: Path) -> None:
    bench = replace(bench, page=True)
    results = fill_all(exported)
    feathered(exported)
    done = run(bench, results, "--accept-drift")
    assert done.returncode == 0, done.stderr
    given = read_rgb(results / "48/cliff.png")
    reference = read_rgb(bench.out / "outputs/48/reference/cliff.png")
    assert np.array_equal(read_rgb(bench.out / "outputs/48/PS/cliff.png"), given)
    row = bench.rows()["PS", 48, "cliff"]
    assert float(row["psnr"]) == psnr(reference, given)
    assert (row["known_pixels_changed"], row["scored_as_given"]) == ("5", "1")
    assert bench.rows()["PS", 64, "cliff"]["scored_as_given"] == "0"
    table = (bench.out / "tables/objective.md").read_text()
    assert "†" in table.splitlines()[2] and "1 of 8" in table and "scored as given" in table
    report = (bench.out / "report.html").read_text()
    assert "Audit of results made elsewhere" in report and "5 known pixels differ" in report

    # Without the option the same folder is refused, however far it had come.
    assert run(bench, results).returncode == 2
    # Mended, the one file is scored again and nothing is flagged any more.
    write_png(results / "48/cliff.png", filled(exported, 48, "cliff"))
    done = run(bench, results)
    assert done.returncode == 0 and "1 to run" in done.stderr
    assert "†" not in (bench.out / "tables/objective.md").read_text()


def as_jpeg(folder: Path, path: Path) -> None:
    path.unlink()
    PillowImage.fromarray(filled(folder, 48, path.stem)).save(path.with_suffix(".jpg"), quality=95)


def as_jpeg_called_png(folder: Path, path: Path) -> None:
    PillowImage.fromarray(filled(folder, 48, path.stem)).save(path, format="JPEG", quality=95)


def with_alpha(folder: Path, path: Path) -> None:
    PillowImage.fromarray(filled(folder, 48, path.stem)).convert("RGBA").save(path)


def with_profile(folder: Path, path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    PillowImage.fromarray(filled(folder, 48, path.stem)).save(path, icc_profile=profile)


def lossless_webp(folder: Path, path: Path) -> None:
    path.unlink()
    image = PillowImage.fromarray(filled(folder, 48, path.stem))
    image.save(path.with_suffix(".webp"), lossless=True)


def sixteen_bit(folder: Path, path: Path) -> None:
    save(path, filled(folder, 48, path.stem).astype(np.uint16) * 257)


def smaller(folder: Path, path: Path) -> None:
    write_png(path, scene(1, 40, 48))


def cut_off(folder: Path, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def not_filled(folder: Path, path: Path) -> None:
    write_png(path, filled(folder, 48, path.stem, grey=0))


def original(folder: Path, path: Path) -> None:
    write_png(path, read_rgb(folder.parent / f"photos/{path.name}")[::2, ::2])


def other_case(folder: Path, path: Path) -> None:
    path.rename(path.with_name(path.name.upper()))


def missing(folder: Path, path: Path) -> None:
    path.unlink()


LOSSY = [(as_jpeg, "lossy format (JPEG)"), (as_jpeg_called_png, "despite its suffix")]


@pytest.mark.parametrize(("change", "said"), LOSSY)
def test_lossy_files_stop_the_run(
    bench: Bench, exported: Path, change: Callable[[Path, Path], None], said: str
) -> None:
    results = fill_all(exported)
    change(exported, results / "48/cliff.png")
    done = bench.run("--external", f"PS={results}", "--resolutions", "48")
    assert done.returncode == 2 and said in done.stderr and "48x48 RGB 8-bit JPEG" in done.stderr
    assert "drift" in done.stderr


KINDS = [
    (with_alpha, "noted", "48x48 RGBA 8-bit PNG", "mode RGBA is converted", "ok"),
    (with_profile, "noted", "48x48 RGB 8-bit PNG", "is not applied", "ok"),
    (lossless_webp, "ok", "48x48 RGB 8-bit WEBP", "", "ok"),
    (sixteen_bit, "unusable", "48x48 RGB 16-bit PNG", "more than 8 bits", "failed"),
    (smaller, "unusable", "48x40 RGB 8-bit PNG", "should be 48x48", "failed"),
    (cut_off, "unusable", "48x48 RGB 8-bit PNG", "truncated", "failed"),
    (not_filled, "noted", "48x48 RGB 8-bit PNG", "hole is still black", "ok"),
    (original, "noted", "48x48 RGB 8-bit PNG", "equals the reference", "ok"),
    (other_case, "ok", "48x48 RGB 8-bit PNG", "", "ok"),
    (missing, "missing", "", "the case is skipped", "skipped"),
]


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [KINDS[:3], KINDS[3:6], KINDS[6:9], KINDS[9:]])
def test_what_is_said_of_each_kind_of_file(
    bench: Bench,
    exported: Path,
    kinds: list[tuple[Callable[[Path, Path], None], str, str, str, str]],
) -> None:
    results = fill_all(exported)
    shutil.rmtree(results / "64")
    changed = dict(zip(("bright", "cliff", "dunes"), kinds, strict=False))
    for name, (change, *_) in changed.items():
        change(exported, results / f"48/{name}.png")
    done = bench.run("--external", f"PS={results}", "--resolutions", "48")
    statuses = {name: row["status"] for (_, _, name), row in bench.rows().items()}
    assert done.returncode == (1 if "failed" in statuses.values() else 0), done.stderr
    audited = {row["image"]: row for row in audit_rows(bench).values()}
    for name, (_, verdict, stored_as, said, status) in changed.items():
        row = audited[name]
        assert (row["verdict"], row["stored_as"]) == (verdict, stored_as)
        assert said in row["remarks"] and (not said or said in done.stderr)
        assert statuses[name] == status
    assert statuses["été 1"] == "ok" and audited["été 1"]["verdict"] == "ok"


def test_surplus_files_are_named_and_ignored(bench: Bench, exported: Path) -> None:
    results = fill_all(exported)
    write_png(results / "48/cliff copy.png", scene(1, 48, 48))
    (results / "48/cliff.psd").write_bytes(b"layers")
    (results / "96").mkdir()
    (results / "48/.DS_Store").write_bytes(b"")
    (results / "Thumbs.db").write_bytes(b"")
    done = run(bench, results)
    assert done.returncode == 0 and "8 ok, 3 surplus" in done.stderr
    rows = audit_rows(bench)
    assert rows["48", "cliff copy.png"]["remarks"] == "no photograph of this name, ignored"
    assert ".psd" in rows["48", "cliff.psd"]["remarks"]
    assert rows["", "96"]["remarks"] == "96 is not a resolution of this run, ignored"


def test_a_symbolic_link_to_nothing_is_a_missing_result(bench: Bench, exported: Path) -> None:
    results = fill_all(exported)
    (results / "48/cliff.png").unlink()
    (results / "48/cliff.png").symlink_to("nowhere.png")
    done = run(bench, results)
    assert done.returncode == 0 and "7 ok, 1 surplus, 1 missing" in done.stderr
    assert done.stderr.count("cliff.png is a symbolic link to nothing: put the file itself") == 2
    assert "did you mean" not in done.stderr and "not a supported" not in done.stderr


def test_a_folder_with_nothing_of_this_run_is_a_mistake(bench: Bench, exported: Path) -> None:
    done = bench.run("--external", f"PS={exported / 'images'}", "--resolutions", "96")
    assert done.returncode == 2 and "no file in" in done.stderr and not bench.out.exists()
    assert f"expected {exported / 'images/96/bright.png'}" in done.stderr


@pytest.mark.slow
def test_an_old_audit_does_not_outlive_its_run(bench: Bench, exported: Path) -> None:
    assert run(bench, fill_all(exported)).returncode == 0
    assert (bench.out / "audit.csv").exists()
    before = (bench.out / "audit.csv").read_bytes()
    assert bench.run("--methods", "telea", "--resolutions", "48").returncode == 0
    # The results made elsewhere are kept, and so is what was found in them.
    assert (bench.out / "audit.csv").read_bytes() == before
    (label,) = {row["method"] for row in csv.DictReader(before.decode().splitlines())}
    assert bench.run("--forget", label).returncode == 0
    assert not (bench.out / "audit.csv").exists()


def test_lossless_and_lossy_webp_and_tiff_are_told_apart(tmp_path: Path) -> None:
    image = PillowImage.fromarray(scene(1, 48, 48))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    kinds = {
        "a.webp": {"lossless": True, "icc_profile": profile},
        "b.webp": {"lossless": False},
        "c.tif": {"compression": "tiff_lzw"},
        "d.tif": {"compression": "jpeg"},
    }
    for name, options in kinds.items():
        image.save(tmp_path / name, **options)
    remarks = [" ".join(describe(tmp_path / name)[1]) for name in kinds]
    assert ["lossy" in remark for remark in remarks] == [False, True, False, True]
    assert remarks[0] == ""
    (tmp_path / "e.png").write_text("<html>not found</html>")
    assert describe(tmp_path / "e.png") == ("", [])


@pytest.mark.slow
def test_drift_is_measured_as_a_plain_count_does(bench: Bench, exported: Path) -> None:
    results = fill_all(exported)
    rng = np.random.default_rng(5)
    image = filled(exported, 64, "dunes")
    noisy = np.clip(image.astype(int) + rng.integers(-2, 3, image.shape), 0, 255).astype(np.uint8)
    write_png(results / "64/dunes.png", noisy)
    assert run(bench, results, "--accept-drift").returncode == 0
    row = audit_rows(bench)["64", "dunes.png"]
    mask = read_mask(exported / "masks/64/dunes.png")
    changed = (noisy != image).any(axis=2) & ~mask
    assert int(row["known_pixels_changed"]) == changed.sum()
    assert float(row["share_changed"]) == pytest.approx(changed.sum() / (~mask).sum())
    assert int(row["largest_change"]) == 2
    rows, columns = np.nonzero(changed)
    hole = np.argwhere(mask)
    reach = max(
        np.sqrt(((hole - (r, c)) ** 2).sum(axis=1).min())
        for r, c in zip(rows, columns, strict=True)
    )
    assert float(row["reach"]) == pytest.approx(reach, abs=0.01)


@pytest.mark.slow
def test_the_report_can_be_made_again_from_the_folder_alone(bench: Bench, exported: Path) -> None:
    assert run(bench, fill_all(exported)).returncode == 0
    assert not (bench.out / "report.html").exists() and not (bench.out / "figures").exists()
    shutil.rmtree(bench.photos)
    assert command("report", bench.out).returncode == 0
    assert "Audit of results made elsewhere" in (bench.out / "report.html").read_text()
    assert cv2.imread(str(bench.out / "figures/l1-against-resolution.png")) is not None

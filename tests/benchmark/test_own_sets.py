"""Test sets as their owners have them: native sizes, several masks, object removal, odd sizes."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark.metrics import score
from methods.images import read_mask, read_rgb, write_png
from tests.benchmark import undrawn
from tests.benchmark.conftest import Bench, save, scene
from tests.benchmark.external.test_audit import exporting
from tests.command_line import Done
from tests.command_line import run as run_command

SIZES = {"tall": (90, 60), "wide": (48, 100)}


@pytest.fixture
def odd(tmp_path: Path) -> Bench:
    """Two photographs that are not square, with a black hole and, for one, two masks."""
    folder = tmp_path / "odd"
    for seed, (name, size) in enumerate(SIZES.items()):
        save(folder / f"{name}.png", scene(seed, *size))
    for name, photo in (("tall_mask0", "tall"), ("wide_mask0", "wide"), ("wide_mask1", "wide")):
        mask = np.full(SIZES[photo], 255, np.uint8)
        mask[10:30, 20 : 50 + 10 * int(name[-1])] = 0
        save(folder / f"{name}.png", mask)
    (folder / "dataset.toml").write_text('masks = "{image}_mask*.png"\nhole = "black"\n')
    return Bench(folder, Path("native"), tmp_path / "run")


def rows(bench: Bench) -> dict[tuple[str, str, str], dict[str, str]]:
    with (bench.out / "scores.csv").open(newline="", encoding="utf-8") as file:
        return {
            (row["method"], row["resolution"], row["image"]): row for row in csv.DictReader(file)
        }


def info(bench: Bench) -> dict:
    return json.loads((bench.out / "run.json").read_text())


@pytest.mark.slow
def test_native_sizes_and_several_masks(odd: Bench) -> None:
    done = odd.run("--methods", "telea")
    assert done.returncode == 0, done.stderr
    assert "2 photographs with 3 masks, 1 method, native size" in done.stderr
    assert list(rows(odd)) == [
        ("telea", "native", name) for name in ("tall", "wide_mask0", "wide_mask1")
    ]
    for (method, *_, name), row in rows(odd).items():
        photo = read_rgb(odd.photos / f"{name.split('_')[0]}.png")
        result = read_rgb(odd.out / f"outputs/native/{method}/{name}.png")
        mask = read_mask(odd.out / f"masks/native/{name}.png")
        assert np.array_equal(read_rgb(odd.out / f"outputs/native/reference/{name}.png"), photo)
        assert np.array_equal(result[~mask], photo[~mask])
        expected = score(photo, result, mask, ["l1", "psnr", "ssim"])
        assert {key: float(row[key]) for key in expected} == pytest.approx(expected)
        assert float(row["hole_share"]) == pytest.approx(mask.mean(), abs=1e-6)
    assert info(odd)["resolutions"] == ["native"]
    assert info(odd)["dataset"]["description"] == {
        "images": None,
        "masks": ["{image}_mask*.png"],
        "hole": "black",
        "threshold": None,
        "mask_channel": "grey",
        "resize_masks": False,
        "reference": True,
    }
    again = odd.run("--methods", "telea")
    assert "3 finished before, 0 to run" in again.stderr


@pytest.mark.slow
def test_another_reading_of_the_masks_runs_again(odd: Bench) -> None:
    assert odd.run("--methods", "telea").returncode == 0
    before = read_mask(odd.out / "masks/native/tall.png")
    done = odd.run("--methods", "telea", "--hole", "white")
    assert "0 finished before, 3 to run" in done.stderr
    assert np.array_equal(read_mask(odd.out / "masks/native/tall.png"), ~before)


def test_options_describe_as_well_as_the_file(odd: Bench) -> None:
    (odd.photos / "dataset.toml").unlink()
    refused = odd.run("--methods", "telea")
    assert refused.returncode == 2 and not odd.out.exists()
    assert 'masks = "{image}_mask*.png"' in refused.stderr
    given = ["--masks", "{image}_mask*.png", "--hole", "black", "--images", "wide*.png"]
    assert odd.run("--methods", "telea", *given).returncode == 0
    assert {name for *_, name in rows(odd)} == {"wide_mask0", "wide_mask1"}


@pytest.mark.parametrize("option", [("--masks", "*.png"), ("--hole", "black")])
def test_masks_without_a_protocol_that_uses_them_are_refused(
    bench: Bench, option: tuple[str, str]
) -> None:
    done = bench.run("--methods", "telea", *option)
    assert done.returncode == 2 and not bench.out.exists()
    assert f"{option[0]}: protocol tiny draws its own holes" in done.stderr


@pytest.mark.slow
def test_results_at_native_size(odd: Bench, tmp_path: Path) -> None:
    exported = tmp_path / "exported"
    code, _, said = exporting(odd, "--export-inputs", str(exported))
    assert code == 0 and "3 images and masks at native size" in said
    readme = (exported / "README.txt").read_text()
    assert "--resolutions" not in readme and "--protocol native" in readme
    for path in (exported / "images/native").iterdir():
        image = read_rgb(path).copy()
        image[read_mask(exported / "masks/native" / path.name)] = 128
        write_png(exported / "results/native" / path.name, image)
    assert odd.run("--external", f"ours={exported}/results").returncode == 0
    assert [row["status"] for row in rows(odd).values()] == ["ok"] * 3
    flat = tmp_path / "flat"
    shutil.copytree(exported / "results/native", flat)
    assert odd.run("--external", f"ours={flat}").returncode == 0


@pytest.mark.parametrize("folder", ["Native", "native px"])
def test_a_folder_nearly_right(odd: Bench, tmp_path: Path, folder: str) -> None:
    results = tmp_path / "results" / folder
    save(results / "tall.png", scene(1, *SIZES["tall"]))
    done = odd.run("--external", f"ours={tmp_path}/results")
    assert done.returncode == 2
    assert (
        f"{folder}: did you mean native?" in done.stderr
        and f"{tmp_path}/results/native" in done.stderr
    )


@pytest.mark.slow
def test_a_name_nearly_right(bench: Bench, tmp_path: Path) -> None:
    results = tmp_path / "results"
    for name in ("bright_filled", "cliff_filled"):
        save(results / f"{name}.png", scene(1, 48, 48))
    done = bench.run("--external", f"ours={results}", "--resolutions", "48")
    assert done.returncode == 2
    assert f"expected {results}/bright.png" in done.stderr
    assert "did you mean bright_filled.png?" in done.stderr
    (results / "bright_filled.png").rename(results / "bright.png")
    done = bench.run("--external", f"ours={results}", "--resolutions", "48", "--accept-drift")
    assert done.returncode == 0 and "did you mean cliff_filled.png?" in done.stderr

    pixels = tmp_path / "sorted"
    (pixels / "48px").mkdir(parents=True)
    shutil.copy(results / "bright.png", pixels / "48px")
    done = bench.run("--external", f"ours={pixels}", "--resolutions", "48")
    assert done.returncode == 2 and "48px: did you mean 48?" in done.stderr


@pytest.mark.slow
def test_inverted_masks_are_asked_about_before_drift(odd: Bench, tmp_path: Path) -> None:
    (odd.photos / "dataset.toml").write_text('masks = "{image}_mask*.png"\n')
    results = tmp_path / "results"
    for name in ("tall", "wide_mask0", "wide_mask1"):
        photo = odd.photos / f"{name.split('_')[0]}.png"
        mask_name = name if "mask" in name else f"{name}_mask0"
        mask = cv2.imread(str(odd.photos / f"{mask_name}.png"), cv2.IMREAD_GRAYSCALE) == 0
        image = read_rgb(photo).copy()
        image[mask] = 255 - image[mask]
        save(results / f"{name}.jpg", image)
    for more in ((), ("--accept-drift",)):
        done = odd.run("--external", f"ours={results}", *more)
        assert done.returncode == 2 and not odd.out.exists()
        last = done.stderr.splitlines()[-1]
        assert "are the masks inverted? Then give --hole black" in last
        assert "--accept-drift" not in last
    done = odd.run("--external", f"ours={results}", "--hole", "black", "--accept-drift")
    assert done.returncode == 0


def test_one_inverted_method_of_two_is_asked_about(odd: Bench, tmp_path: Path) -> None:
    for method in ("right", "wrong"):
        for name in ("tall", "wide_mask0", "wide_mask1"):
            image = read_rgb(odd.photos / f"{name.split('_')[0]}.png").copy()
            mask_name = name if "mask" in name else f"{name}_mask0"
            mask = cv2.imread(str(odd.photos / f"{mask_name}.png"), cv2.IMREAD_GRAYSCALE)
            hole = (mask == 0) == (method == "right")
            image[hole] = 255 - image[hole]
            save(tmp_path / method / f"{name}.png", image)
    given = [
        word for name in ("right", "wrong") for word in ("--external", f"{name}={tmp_path / name}")
    ]
    done = odd.run(*given)
    assert done.returncode == 2
    assert "3 of 3 results of wrong): are the masks inverted?" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_results_named_after_the_mask(odd: Bench, tmp_path: Path) -> None:
    for name in ("tall_mask0", "wide_mask0", "wide_mask1"):
        image = read_rgb(odd.photos / f"{name.split('_')[0]}.png").copy()
        image[cv2.imread(str(odd.photos / f"{name}.png"), cv2.IMREAD_GRAYSCALE) == 0] = 90
        save(tmp_path / "lama" / f"{name}.png", image)
    done = odd.run("--external", f"LaMa={tmp_path}/lama")
    assert done.returncode == 0, done.stderr
    assert [row["status"] for row in rows(odd).values()] == ["ok"] * 3
    assert "surplus" not in done.stderr
    result = read_rgb(odd.out / "outputs/native/LaMa/tall.png")
    assert (result[read_mask(odd.out / "masks/native/tall.png")] == 90).all()


@pytest.mark.slow
def test_mostly_large_holes_are_a_question(odd: Bench) -> None:
    (odd.photos / "dataset.toml").write_text('masks = "{image}_mask*.png"\n')
    question = "3 of 3 holes cover more than half of their photograph: are the masks inverted?"
    assert question in odd.run("--methods", "telea").stderr
    assert any(question in note for note in info(odd)["dataset"]["notes"])
    assert question not in odd.run("--methods", "telea", "--hole", "white").stderr


@pytest.mark.slow
def test_object_removal_compares_nothing(odd: Bench) -> None:
    with (odd.photos / "dataset.toml").open("a") as file:
        file.write("reference = false\n")
    done = odd.run("--methods", "telea,navier-stokes")
    assert done.returncode == 0
    for row in rows(odd).values():
        assert row["status"] == "ok" and row["l1"] == row["psnr"] == row["ssim_hole"] == ""
        assert 0 < float(row["blur_effect_hole"]) < 1
    text = (odd.photos / "dataset.toml").read_text()
    (odd.photos / "dataset.toml").write_text(text.replace("reference = false", ""))
    # Scored again, not computed again.
    done = odd.run("--methods", "telea,navier-stokes")
    assert "6 finished before, 0 to run" in done.stderr
    assert all(float(row["psnr"]) > 5 for row in rows(odd).values())


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_painted_holes_are_noticed(odd: Bench, suffix: str) -> None:
    for name in SIZES:
        image = read_rgb(odd.photos / f"{name}.png").copy()
        for mask in odd.photos.glob(f"{name}_mask*.png"):
            image[cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE) == 0] = 255
        (odd.photos / f"{name}.png").unlink()
        save(odd.photos / f"{name}.{suffix}", image)
    assert "inputs with the hole painted in?" in odd.run("--methods", "telea").stderr


@pytest.mark.slow
def test_a_centre_crop_that_cuts_a_hole_says_so(odd: Bench) -> None:
    given = ["--methods", "telea", "--resolutions", "32"]
    own = Bench(odd.photos, Path("own-masks"), odd.out)
    done = own.run(*given)
    assert done.returncode == 0
    assert "3 photographs" not in done.stderr
    # Columns 26 to 73 of the wide one are kept; its holes begin at 20. Of the tall one rows 15 on.
    assert (
        "2 photographs not square, cropped to the centre; 3 of 3 holes lose a part" in done.stderr
    )
    assert "32 px is not a size of protocol own-masks" in done.stderr
    assert len(info(own)["dataset"]["notes"]) == 2


@pytest.mark.slow
def test_what_is_passed_over_is_counted(odd: Bench) -> None:
    (odd.photos / "notes.txt").write_text("x")
    (odd.photos / ".hidden.png").write_bytes(b"x")
    (odd.photos / "gone.png").symlink_to(odd.photos / "nowhere.png")
    (odd.photos / "results").mkdir()
    said = odd.run("--methods", "telea").stderr
    assert (
        f"passed over in {odd.photos}: 1 broken link, 1 folder, 1 hidden file, 1 other file (.txt)"
        in said
    )


@pytest.mark.slow
def test_a_mask_of_another_aspect_is_noted(odd: Bench) -> None:
    mask = np.zeros((50, 50), np.uint8)
    mask[:, :30] = 255
    save(odd.photos / "tall_mask0.png", mask)
    with (odd.photos / "dataset.toml").open("a") as file:
        file.write("resize_masks = true\n")
    assert odd.run("--methods", "telea").returncode == 0
    notes = info(odd)["dataset"]["notes"]
    assert any("1 of 3 masks have another aspect" in note for note in notes)


def test_photographs_named_like_masks_are_noted(tmp_path: Path, protocol: Path) -> None:
    save(tmp_path / "set/face.png", scene(1, 96, 96))
    save(tmp_path / "set/mask.png", scene(2, 96, 96))
    bench = Bench(tmp_path / "set", protocol, tmp_path / "run")
    assert "1 photograph named like a mask (mask.png)" in bench.run("--methods", "telea").stderr


@pytest.mark.slow
def test_512_px_of_any_protocol(tmp_path: Path) -> None:
    save(tmp_path / "set/a.png", scene(1, 520, 520))
    given = ["--dataset", tmp_path / "set", "--out", tmp_path / "run", "--methods", "telea"]

    def run(*more: str) -> Done:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("analysis.report.publish.publish", undrawn.publish)
            return run_command("run_benchmark", *map(str, given), *more)

    too_large = run()
    assert too_large.returncode == 2 and "--resolutions, such as 512" in too_large.stderr
    done = run("--resolutions", "512")
    assert done.returncode == 0
    assert "512 px is not a size of protocol moskalenko2020 (1024, 1536, 1792, 2048)" in done.stderr

"""Patterns: which files become photographs, masks and names of cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmark.inputs.description import open_dataset
from benchmark.inputs.pairing import find_pairs
from methods.errors import InputError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def pairs(folder: Path, **description: Any) -> list[tuple[str, str, str | None]]:
    return [
        (
            pair.name,
            pair.image.relative_to(folder).as_posix(),
            pair.mask.relative_to(folder).as_posix() if pair.mask else None,
        )
        for pair in find_pairs(open_dataset(folder, description))
    ]


def refusal(folder: Path, **description: Any) -> str:
    with pytest.raises(InputError) as caught:
        pairs(folder, **description)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_several_masks_of_a_photograph_are_cases_named_after_them(tmp_path: Path) -> None:
    touch(tmp_path, "x.png", "x_mask001.png", "x_mask002.png", "y.jpg", "y_mask001.png")
    assert pairs(tmp_path, masks=["{image}_mask*.png"]) == [
        ("x_mask001", "x.png", "x_mask001.png"),
        ("x_mask002", "x.png", "x_mask002.png"),
        ("y", "y.jpg", "y_mask001.png"),
    ]
    assert [
        pair.name
        for pair in find_pairs(open_dataset(tmp_path, {"masks": ["{image}_mask*"]}), False)
    ] == ["x", "y"]


def test_masks_of_one_name_in_several_folders_get_the_photographs_name_too(tmp_path: Path) -> None:
    touch(tmp_path, "p/x.png", "p/y.png", *(f"m/{n}/{k}.png" for n in "xy" for k in "12"))
    names = [name for name, *_ in pairs(tmp_path, images=["p/*"], masks=["m/{image}/*.png"])]
    assert names == ["x_1", "x_2", "y_1", "y_2"]


def test_two_asterisks_are_all_folders_in_every_version_of_python(tmp_path: Path) -> None:
    touch(tmp_path, "photos/a.png", "photos/inner/b.png", "other/c.png")
    for pattern in ("photos/**", "photos/**/*", "photos/**/*.png"):
        found = [name for name, *_ in pairs(tmp_path, images=[pattern])]
        assert found == ["a", "b"], pattern


def test_a_folder_for_each_photograph(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{name}/{file}.png" for name in ("a", "b c") for file in ("image", "mask")))
    given = {"images": ["*/image.png"], "masks": ["{folder}/mask.png"]}
    assert pairs(tmp_path, **given) == [
        ("a", "a/image.png", "a/mask.png"),
        ("b c", "b c/image.png", "b c/mask.png"),
    ]
    deep = touch(tmp_path / "deep", "val/7/image.png", "val/7/mask.png", "masks/7/m.png")
    for masks in ("{folder}/mask.png", "masks/{folder}/m.png"):
        (found,) = pairs(deep, images=["val/*/image.png"], masks=[masks])
        assert found[0] == "7" and found[2] is not None


def test_without_a_name_both_are_paired_in_sorted_order(tmp_path: Path) -> None:
    touch(tmp_path, "i/a.png", "i/b.png", "m/k.png", "m/l.png")
    assert pairs(tmp_path, images=["i/*"], masks=["m/*"]) == [
        ("a", "i/a.png", "m/k.png"),
        ("b", "i/b.png", "m/l.png"),
    ]
    touch(tmp_path, "m/z.png")
    assert "2 photographs and 3 masks" in refusal(tmp_path, images=["i/*"], masks=["m/*"])


def test_sorted_order_that_contradicts_the_numbers_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, *(f"i/{n}.png" for n in range(1, 12)), *(f"m/{n:02}.png" for n in range(1, 12)))
    assert "pairs 10.png with 02.png" in refusal(tmp_path, images=["i/*"], masks=["m/*"])


def test_numbers_anywhere_in_the_names_are_compared(tmp_path: Path) -> None:
    touch(
        tmp_path,
        *(f"i/{n}_256.png" for n in (1, 2, 10)),
        *(f"m/m{n:02}_256.png" for n in (1, 2, 10)),
    )
    assert "pairs 10_256.png with m01_256.png" in refusal(tmp_path, images=["i/*"], masks=["m/*"])


def test_a_photograph_with_a_mask_is_no_mask_of_another(tmp_path: Path) -> None:
    touch(tmp_path, "boat.png", "boat_2.png", "boat_mask.png", "boat_2_mask.png")
    assert pairs(tmp_path, masks=["{image}_*.png"]) == [
        ("boat", "boat.png", "boat_mask.png"),
        ("boat_2", "boat_2.png", "boat_2_mask.png"),
    ]


def test_masks_in_a_folder_for_each_size(tmp_path: Path) -> None:
    touch(tmp_path, "p/1.png", "p/2.png", *(f"m/{size}/{n}.png" for size in (30, 50) for n in "12"))
    found = pairs(tmp_path, images=["p/*"], masks=["m/*/{image}.png"])
    assert [name for name, *_ in found] == ["1_30", "1_50", "2_30", "2_50"]


def test_a_pattern_may_begin_with_the_folder_itself(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "a_mask.png")
    assert pairs(tmp_path, masks=["./{image}_mask.png"]) == [("a", "a.png", "a_mask.png")]


def test_the_longest_name_owns_a_mask(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "a_b.png", "a_mask.png", "a_b_mask.png")
    assert [(name, mask) for name, _, mask in pairs(tmp_path, masks=["{image}*_mask.png"])] == [
        ("a", "a_mask.png"),
        ("a_b", "a_b_mask.png"),
    ]


def test_wildcards_in_names_are_letters(tmp_path: Path) -> None:
    touch(tmp_path, "a[1]*.png", "a[1]*_mask.png", "a1.png", "a1_mask.png")
    found = pairs(tmp_path, masks=["{image}_mask.png"])
    assert [name for name, *_ in found] == ["a1", "a[1]*"]
    assert all(mask == f"{name}_mask.png" for name, _, mask in found)


def test_accents_and_case_do_not_part_a_pair(tmp_path: Path) -> None:
    touch(tmp_path, "images/\u00e9t\u00e9.JPG", "masks/e\u0301te\u0301.PNG")
    ((name, _, mask),) = pairs(tmp_path)
    assert name == "\u00e9t\u00e9" and mask == "masks/e\u0301te\u0301.PNG"


def test_equal_names_in_several_folders_get_their_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.png", "a/2.png", "b/1.png")
    assert [name for name, *_ in pairs(tmp_path, images=["*/*.png"])] == ["a_1", "a_2", "b_1"]


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ({"images": ["*.bmp"]}, 'no image matches "*.bmp"'),
        ({"images": ["../*"]}, "without .. and /"),
        ({"masks": ["/masks/*"]}, "without .. and /"),
        ({"images": [""]}, "without .. and /"),
        ({"masks": ["{image}_m.png", "*.png"]}, "in all patterns or in none"),
        ({"images": ["a**.png"]}, '"a**.png"'),
        ({"hole": "grey"}, "hole"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": "128"}, "threshold"),
        ({"reference": "false"}, "reference"),
        ({"images": [3]}, "images"),
    ],
)
def test_bad_descriptions_are_one_line(
    tmp_path: Path, description: dict[str, Any], said: str
) -> None:
    touch(tmp_path, "a.png", "b.png")
    assert said in refusal(tmp_path, **description)


def test_unknown_keys_and_bad_toml_name_the_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    for text, said in (("mask = 1", "valid keys: images, masks"), ("images =", "not valid TOML")):
        (tmp_path / "dataset.toml").write_text(text)
        message = refusal(tmp_path)
        assert "dataset.toml" in message and said in message


def test_options_replace_keys_and_a_file_may_have_any_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.png", "m_a.png")
    # Windows' editors begin with a byte order mark.
    text = '\ufeffimages = "a.png"\nmasks = "m_{image}.png"\nhole = "black"\n'
    (tmp_path / "small.toml").write_text(text, encoding="utf-8")
    described = open_dataset(tmp_path / "small.toml", {"images": ["b.png"], "hole": None})
    assert described.description.hole == "black" and described.name == "small"
    assert [pair.image.name for pair in find_pairs(described)] == ["b.png"]

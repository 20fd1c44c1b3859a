"""Methods and options as given on the command line and in files."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.planning.method_specs import collect
from methods.errors import InputError


def test_default_methods() -> None:
    labels = [spec.label for spec in collect(None)]
    assert labels == ["telea", "navier-stokes", "patchmatch", "two-stage"]


def test_names_files_external_and_options_together(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('["Telea, wide"]\nmethod = "telea"\nradius = 9\n')
    specs = collect(
        "telea, two-stage:telea",
        [path],
        ["Photoshop 2020=/somewhere"],
        ["telea.radius=4", "two-stage:telea.working_size=256", "Photoshop 2020.folder=/else=where"],
    )
    assert [(spec.label, spec.method, spec.options) for spec in specs] == [
        ("telea", "telea", {"radius": 4}),
        ("two-stage:telea", "two-stage:telea", {"working_size": 256, "seed": 0}),
        ("Telea, wide", "telea", {"radius": 9}),
        ("Photoshop 2020", "external", {"folder": "/else=where"}),
    ]


def test_a_value_in_the_name_is_shown_without_its_folder() -> None:
    specs = collect(
        "two-stage:own/folder/model, two-stage:telea", options=["two-stage:model.seed=1"]
    )
    assert [(spec.label, spec.method) for spec in specs] == [
        ("two-stage:model", "two-stage:own/folder/model"),
        ("two-stage:telea", "two-stage:telea"),
    ]
    assert specs[0].options == {"seed": 1}


def test_seed_reaches_the_methods_that_have_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[fixed]\nmethod = "patchmatch"\nseed = 5\n')
    seeds = {
        spec.label: spec.options.get("seed") for spec in collect("telea,patchmatch", [path], seed=3)
    }
    assert seeds == {"telea": None, "patchmatch": 3, "fixed": 5}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("tela", "did you mean 'telea'"),
        (",", "--methods is empty"),
        ("telea,telea", "listed twice"),
        ("reference", "reserved"),
        ("../telea", "path separator"),
        ("-telea", "begins with '-'"),
        ("no.such.module:Class", "no.such.module:Class"),
    ],
)
def test_unusable_names(names: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        collect(names)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "label", ["a/b", "a\\b", "", " a", "-a", ".a", "Reference", "a\nb", "x" * 101]
)
def test_unusable_external_names(label: str) -> None:
    with pytest.raises(InputError, match="choose another name"):
        collect(None, external=[f"{label}=/tmp"])


def test_two_labels_in_one_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"would share the folder .Two-Stage_telea."):
        collect("two-stage:telea", external=["Two-Stage_telea=/tmp"])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("radius=3", "METHOD.KEY=VALUE"),
        ("telea.radius", "METHOD.KEY=VALUE"),
        ("patchmatch.seed=3", "not in this run"),
    ],
)
def test_unusable_options(option: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        collect("telea", options=[option])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "defines no method"),
        ("a = 1", "must be a table"),
        ("[a]\nradius = 3", 'method = "NAME"'),
        ("[a", "not valid TOML"),
        ('[reference]\nmethod = "telea"', "reserved"),
    ],
)
def test_unusable_method_files(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        collect(None, [path])


def test_missing_method_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.toml"):
        collect(None, [tmp_path / "nothing.toml"])


def test_a_method_of_ones_own_stands_under_its_own_name() -> None:
    given = "tests.benchmark.own_methods:Grey"
    (spec,) = collect(given, options=[f"{given}.value=9", "grey.seconds=0.5"])
    assert (spec.label, spec.method, spec.options) == ("grey", given, {"value": 9, "seconds": 0.5})
    # Not where a method of the suite has that name.
    impostor = "methods.classical:Telea"
    assert [spec.label for spec in collect(f"telea,{impostor}")] == ["telea", impostor]

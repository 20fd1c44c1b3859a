"""Training in an environment for running the suite only."""

from __future__ import annotations

import importlib.util
import runpy
import sys

import pytest


def test_what_training_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "tensorboard" else find(name, *rest),
    )
    monkeypatch.setattr(sys, "argv", ["training"])
    monkeypatch.delitem(sys.modules, "methods.training.__main__", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("methods.training", run_name="__main__")
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == "error: training needs tensorboard: pip install '.[training]'\n"

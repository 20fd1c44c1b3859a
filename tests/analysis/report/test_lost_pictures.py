"""A run folder that lacks pictures of finished cases, as one that was copied without them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.analysis.figures.test_figures import command


@pytest.mark.usefixtures("undrawn")
def test_pictures_that_are_gone_are_told_with_what_to_do(pictured: Path) -> None:
    again = "the benchmark's command of that run makes it again"
    no_reference = (
        "Figures and gallery leave out 1 of 2 photographs (x): no file in outputs/128/reference or "
        f"masks/128; {again}"
    )
    no_result = (
        "Figures and gallery leave out 1 of 3 results (b|ar on y): no file in outputs/128; " + again
    )
    assert not command("report", pictured).stderr
    (pictured / "outputs/128/b|ar/y.png").unlink()
    (pictured / "outputs/128/reference/x.png").unlink()
    done = command("report", pictured)
    assert done.returncode == 0
    assert done.stderr == f"note: {no_reference}\nnote: {no_result}\n"
    page = re.sub(r"&#39;", "'", (pictured / "report.html").read_text())
    assert f"{no_reference}." in page and f"{no_result}." in page
    (pictured / "masks/128/y.png").unlink()
    done = command("report", pictured)
    assert "leave out 2 of 2 photographs (x, y): no file" in done.stderr
    assert "no case at 128 px has a result" not in (pictured / "report.html").read_text()

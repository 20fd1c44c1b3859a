"""study.toml is edited while the study is served."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from survey.study import secrets_file
from tests.survey.conftest import Served, Visitor, attentive, run
from tests.survey.web.test_owners_side import owner

Serve = Callable[..., Served]
HASTY = "median answer under 2000 ms"
EDITED, UNREADABLE = "study.toml was edited", "study.toml cannot be read"


def reasons(archive: bytes) -> list[str]:
    """Why participants are excluded, by the owner's export."""
    text = zipfile.ZipFile(io.BytesIO(archive)).read("participants.csv").decode()
    return [row["reason"] for row in csv.DictReader(io.StringIO(text))]


def test_rules_are_the_same_on_every_side_of_a_server(
    folder: Path, serve: Serve, tmp_path: Path
) -> None:
    """One process that began before an edit and one after it told different numbers, and the
    command line a third."""
    token, file = secrets_file.new_owner_token(folder), folder / "study.toml"
    first = serve(folder)
    visitor = Visitor(first.address)
    visitor.start()
    visitor.finish(attentive(first.study))
    owners = [owner(first.address, token)]
    assert "study.toml" not in owners[0].get("/owner").text
    assert reasons(owners[0].get("/owner/export.zip").content) == [""]
    file.write_text(file.read_text().replace("min_median_ms = 0.0", "min_median_ms = 2000"))
    owners.append(owner(serve(folder).address, token))
    for each, is_told in zip(owners, (True, False), strict=True):
        page = each.get("/owner").text
        assert HASTY in page and (EDITED in page) is is_told
        assert reasons(each.get("/owner/export.zip").content) == [HASTY]
    run("export", folder, tmp_path / "votes.csv")
    assert HASTY in (tmp_path / "participants.csv").read_text()
    assert HASTY in run("status", folder).stdout


def test_the_owner_reads_what_is_wrong_with_the_file(folder: Path, serve: Serve) -> None:
    token, file = secrets_file.new_owner_token(folder), folder / "study.toml"
    served = serve(folder)
    visitor = Visitor(served.address)
    visitor.start()
    visitor.finish(attentive(served.study))
    here = owner(served.address, token)
    right = file.read_text()
    file.write_text("bogus = 1\n" + right.replace("min_median_ms = 0.0", "min_median_ms = 2000"))
    page = here.get("/owner")
    assert page.status_code == 200 and UNREADABLE in page.text and HASTY not in page.text
    assert "study.toml: bogus: no such entry" in page.text and str(folder) not in page.text
    assert reasons(here.get("/owner/export.zip").content) == [""]
    file.write_text(right)
    assert "study.toml" not in here.get("/owner").text

"""A new study: one folder with study.toml, images under opaque names, keys and the database."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from methods.errors import InputError, suggestion
from methods.files import write_atomically
from survey.design.questionnaire import Pool
from survey.setup import sources
from survey.setup.sources import Gathered
from survey.storage import database, store
from survey.study import config, keys, stimuli, texts
from survey.study.stimuli import REFERENCE

PAIRS, CHECKS = 25, 2


@dataclass(frozen=True)
class Wanted:
    """A command line. methods: None for all that have results; check: None for that of lowest mean
    PSNR; pairs, checks: None for the paper's, as far as there are enough images."""

    out: Path
    run: Path | None = None
    images: Sequence[str] = field(default_factory=list)
    resolution: int | None = None
    methods: Sequence[str] | None = None
    reference: bool = False
    check: str | None = None
    against: str = ""
    pairs: int | None = None
    checks: int | None = None
    target_votes: int = 0
    ties: bool = False
    adaptive: bool = False
    language: str = "en"
    quality: int = 0
    seed: int = 0
    database: str = "sqlite"


@dataclass(frozen=True)
class Created:
    """token: the owner's, kept nowhere else; missing: pairs (image, method) without a result."""

    study: config.Study
    token: str
    stimuli: int
    questions: int
    missing: list[tuple[str, str]]


def gather(wanted: Wanted) -> Gathered:
    """All images that the study needs. Raises InputError."""
    if wanted.run is None and not wanted.images:
        raise InputError("no images: give --run RUN_FOLDER or --images METHOD=DIR")
    if REFERENCE in (wanted.methods or []):
        raise InputError("--methods reference: write --reference to compare the originals too")
    others = sources.from_folders(wanted.images)
    if wanted.run is None:
        if wanted.methods is not None:
            for method in wanted.methods:
                if method not in others.methods:
                    raise InputError(f"--methods {method}{suggestion(method, others.methods)}")
            others = others._replace(methods=list(wanted.methods))
        return others
    of_others = {source.method for source in others.sources}
    methods = wanted.methods
    if methods is not None:
        methods = [method for method in methods if method not in of_others]
    check = None if wanted.check in of_others else wanted.check
    return sources.joined(sources.from_run(wanted.run, wanted.resolution, methods, check), others)


def create(
    wanted: Wanted, gathered: Gathered, done: Callable[[], None] = lambda: None
) -> Created:  # fmt: skip
    """Write the study's folder, whole or not at all. Raises InputError."""
    from survey.storage.opened import check_design, pool_of

    study = _study(wanted, gathered)
    _check_database(wanted)
    with _new_folder(wanted.out) as folder:
        used = [source for source in gathered.sources if source.method in _shown(study)]
        names = [secrets.token_hex(16) for _ in used]
        written = stimuli.write(used, folder, names, wanted.quality, done)
        study = _fitted(study, wanted, pool_of(study, written))
        check_design(study, written, pool_of(study, written), "create")
        write_atomically(folder / config.FILE, to_toml(study), private=True)
        token = keys.create(folder)
        if wanted.database == "sqlite":
            _begin(folder)
    if wanted.database != "sqlite":
        _begin_elsewhere(wanted.out)
    have = {(one.image, one.method) for one in written}
    missing = [
        (image, method)
        for image in sorted({one.image for one in written})
        for method in study.design.methods
        if (image, method) not in have
    ]
    return Created(study, token, len(written), len(pool_of(study, written).pairs), missing)


def _check_database(wanted: Wanted) -> None:
    """Before all images are encoded. SQLite's file is made with the study."""
    if not wanted.database.startswith("postgresql"):
        return
    engine = database.connect(wanted.out, wanted.database)
    with database.explained("--database"):
        taken = store.is_taken(engine)
    engine.dispose()
    if taken:
        raise InputError("--database: the database holds another study; each needs one of its own")


def _begin(folder: Path) -> None:
    from survey.storage.opened import open_study

    open_study(folder, new=True).engine.dispose()


def _begin_elsewhere(folder: Path) -> None:
    """When the folder has its name: a database that is not in it would stay taken otherwise."""
    try:
        _begin(folder)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _shown(study: config.Study) -> set[str]:
    check = study.design.check_method
    return {*study.design.methods, *((check, REFERENCE) if check else ())}


def _study(wanted: Wanted, gathered: Gathered) -> config.Study:
    """What the command line says, with texts in its language."""
    methods = gathered.methods + [REFERENCE] * wanted.reference
    has_reference = any(source.method == REFERENCE for source in gathered.sources)
    if wanted.reference and not has_reference:
        raise InputError("--reference: there are no references; give --images reference=DIR")
    if wanted.check and not has_reference:
        raise InputError(
            f"--check {wanted.check}: there is no reference to show it against; give --images "
            "reference=DIR"
        )
    check = wanted.check or _worst(gathered)
    given: dict[str, Any] = {
        **texts.load(wanted.language if wanted.language in texts.languages() else "en")["study"],
        "language": wanted.language,
        "design": {
            "methods": methods,
            "check_method": check if has_reference and wanted.checks != 0 else "",
            "pairs_per_person": wanted.pairs or PAIRS,
            "checks_per_person": wanted.checks if wanted.checks is not None else CHECKS,
            "target_votes": wanted.target_votes,
            "ties": wanted.ties,
            "adaptive": wanted.adaptive,
            "against": wanted.against,
            "seed": wanted.seed,
        },
        "server": {"database": wanted.database},
        "stimuli": {
            # Names only: what is exported need not tell anybody's folders.
            "source": ", ".join(
                Path(given).name for given in (str(wanted.run or ""), *wanted.images) if given
            ),
            "resolution": gathered.resolution,
            "quality": wanted.quality,
        },
    }
    return config.checked(given, "create")


def _worst(gathered: Gathered) -> str:
    """The method of lowest mean PSNR, as the paper's DeepFill v2."""
    known = {m: gathered.psnr[m] for m in gathered.methods if m in gathered.psnr}
    return min(known, key=lambda method: (known[method], method)) if known else ""


def _fitted(study: config.Study, wanted: Wanted, pool: Pool) -> config.Study:
    """With as many questions as there can be, where none were asked for."""
    design = study.design.model_dump()
    if wanted.checks is None:
        design["checks_per_person"] = min(CHECKS, len(pool.checks))
    if wanted.pairs is None:
        most = pool.most(design["checks_per_person"])
        design["pairs_per_person"] = max(1, min(PAIRS, most))
    return config.checked({**study.model_dump(), "design": design}, "create")


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """A folder that gets its name when it is complete."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} exists; choose another --out (a study is never overwritten)")
    part = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True, mode=0o700)
        yield part
        if out.exists():
            out.rmdir()
        part.replace(out)
    except OSError as error:
        raise InputError(f"{error.filename or out}: {error.strerror}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


COMMENTS = {
    "title": "What participants see.",
    "design": "Edit until the first participant starts. `python -m survey serve` checks it all.",
    "against": "only pairs with this method",
    "check_method": "shown against the reference in validation questions",
    "target_votes": "valid votes after which nobody can start, 0: no limit",
    "adaptive": "ask the pairs that the ranking so far leaves open",
    "exclusion": "Whose votes are not valid; nothing is deleted.",
    "unfinished": "leave out who did not answer everything",
    "min_median_ms": "median answer faster than this, 0: off",
    "max_same_side": "share of answers on one side above this, 1: off",
    "completion": "At the end. Without a code everybody gets one of their own (payments.csv).",
    "redirect": "where the platform wants people back; {code} is replaced",
    "server": "Where it runs (docs/survey_server.md).",
    "public_url": "what participants type, https://... behind TLS",
    "stimuli_url": "where browsers get the images (docs/survey_server.md), empty: from here",
    "behind_proxy": "true behind nginx, which sets X-Forwarded-*",
    "database": "sqlite, or postgresql+psycopg://USER@HOST/DATABASE",
    "starts_per_minute": "from one address",
    "stimuli": "How the images were made; for the record.",
}


def to_toml(study: config.Study) -> str:
    """study.toml with comments."""
    lines: list[str] = []
    for name, value in study.model_dump().items():
        if not isinstance(value, dict):
            if name in COMMENTS:
                lines.append(f"# {COMMENTS[name]}")
            lines.append(f"{name} = {_toml(value)}")
            continue
        lines += ["", f"# {COMMENTS[name]}", f"[{name}]"]
        for key, inner in value.items():
            comment = f"  # {COMMENTS[key]}" if key in COMMENTS else ""
            lines.append(f"{key} = {_toml(inner)}{comment}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, str) and "\n" in value:
        escaped = value.replace("\\", "\\\\").replace('"""', '""\\"')
        return f'"""\n{escaped}"""'
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # JSON's strings, numbers and truth values are TOML's too.
    return json.dumps(value, ensure_ascii=False)

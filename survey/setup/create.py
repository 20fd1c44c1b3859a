"""Create a study: a folder with study.toml, images under random names, secrets and a database."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from methods.errors import InputError, suggestion
from methods.files import write_atomically
from methods.labels import REFERENCE
from survey.design.questionnaire import Pool, make_pool
from survey.setup import sources
from survey.setup.sources import Images
from survey.storage import database, store
from survey.storage.open_study import checked_pool, open_study
from survey.study import config, secrets_file, stimuli, texts

# Those of the paper.
_PAIRS, _CHECKS = 25, 2
_SHOWS_OBJECT = "the originals of the run show the object to be removed (reference = false)"
_RIGHT = "results that are right beyond doubt, such as retouched by hand"


@dataclass(frozen=True)
class Request:
    """The options of `python -m survey create`.

    None means: all methods with results; the method of lowest mean PSNR for `check`; the numbers
    of the paper for `pairs` and `checks`, as far as there are enough images.
    """

    out: Path
    run: Path | None = None
    images: Sequence[str] = ()
    resolution: str | None = None
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


class Created(NamedTuple):
    """A new study; the owner's token is stored nowhere else; `balanced`: most questions for a
    person with which all pairs are asked equally often; `missing`: (image, method); `no_checks`:
    what validation questions need that were wanted but are not there."""

    study: config.Study
    token: str
    stimuli: int
    questions: int
    balanced: int
    missing: list[tuple[str, str]]
    no_checks: str


def find_images(request: Request) -> Images:
    """Find all images that a study needs; raise InputError if there are none or they conflict."""
    if request.run is None and not request.images:
        raise InputError("no images: give --run RUN_FOLDER or --images METHOD=DIR")
    if REFERENCE in (request.methods or []):
        raise InputError("--methods reference: write --reference to compare the originals too")
    others = sources.from_folders(request.images)
    methods = request.methods
    if request.run is None:
        for method in methods or []:
            if method not in others.methods:
                raise InputError(f"--methods {method}{suggestion(method, others.methods)}")
        return others if methods is None else others._replace(methods=list(methods))
    from_others = {source.method for source in others.sources}
    if methods is not None:
        methods = [method for method in methods if method not in from_others]
    check = None if request.check in from_others else request.check
    run = sources.from_run(request.run, request.resolution, methods, check)
    return sources.merged(run, others)


def create(
    request: Request, images: Images, on_encoded: Callable[[], None] = lambda: None
) -> Created:
    """Write a study's folder, completely or not at all, with the result of `find_images`.

    Raises InputError if the settings or images cannot be used, or the folder or its database exists
    already.
    """
    study = _study(request, images)
    if request.database.startswith("postgresql"):
        _check_postgresql(request)
    design, check = study.design, study.design.check_method
    with _new_folder(request.out) as folder:
        shown = {*design.methods, *((check, REFERENCE) if check else ())}
        used = [source for source in images.sources if source.method in shown]
        encoded = stimuli.write(used, folder, request.quality, on_encoded)
        study = _with_possible_numbers(
            study, request, make_pool(encoded, design.methods, design.against, check)
        )
        pool = checked_pool(study, encoded, "create")
        write_atomically(folder / config.FILE, config.to_toml(study), private=True)
        token = secrets_file.create(folder)
        if request.database == "sqlite":
            open_study(folder, new=True).engine.dispose()
    if request.database != "sqlite":
        _create_database_elsewhere(request.out)
    available = {(stimulus.image, stimulus.method) for stimulus in encoded}
    missing = [
        (image, method)
        for image in sorted({stimulus.image for stimulus in encoded})
        for method in design.methods
        if (image, method) not in available
    ]
    checks = study.design.checks_per_person
    no_checks = "" if checks or request.checks == 0 else _needed_for_checks(images)
    balanced = pool.balanced_pairs(checks)
    return Created(study, token, len(encoded), len(pool.pairs), balanced, missing, no_checks)


def _check_postgresql(request: Request) -> None:
    """Check the database before the images are encoded, which takes long."""
    engine = database.connect(request.out, request.database)
    with database.errors_as_input("--database"):
        taken = store.holds_study(engine)
    engine.dispose()
    if taken:
        raise InputError("--database: the database holds another study; each needs one of its own")


def _create_database_elsewhere(folder: Path) -> None:
    """Create a database that is not in the folder, once the folder has its final name.

    Otherwise the database would stay taken when the folder cannot be renamed.
    """
    try:
        open_study(folder, new=True).engine.dispose()
    except BaseException:
        shutil.rmtree(folder)
        raise


def _study(request: Request, images: Images) -> config.Study:
    methods = images.methods + [REFERENCE] * request.reference
    has_reference = any(source.method == REFERENCE for source in images.sources)
    if (request.reference or request.check) and not has_reference:
        option = "--reference" if request.reference else f"--check {request.check}"
        raise InputError(f"{option}: {_why_no_reference(images)}")
    check = request.check or _lowest_psnr(images)
    language = request.language if request.language in texts.languages() else "en"
    # Only names: exports need not publish the owner's folders.
    origins = [str(request.run or ""), *request.images]
    content: dict[str, Any] = {
        **texts.load(language)["study"],
        "language": request.language,
        "design": {
            "methods": methods,
            "check_method": check if has_reference and request.checks != 0 else "",
            "pairs_per_person": _PAIRS if request.pairs is None else request.pairs,
            "checks_per_person": _CHECKS if request.checks is None else request.checks,
            "target_votes": request.target_votes,
            "ties": request.ties,
            "adaptive": request.adaptive,
            "against": request.against,
            "seed": request.seed,
        },
        "server": {"database": request.database},
        "stimuli": {
            "source": ", ".join(Path(origin).name for origin in origins if origin),
            "resolution": images.resolution,
            "quality": request.quality,
        },
    }
    return config.validated(content, "create")


def _why_no_reference(images: Images) -> str:
    """Say why nothing can be shown as what is right, and what to do."""
    if images.shows_object:
        return f"{_SHOWS_OBJECT}; leave the option out, or give --images reference=DIR: {_RIGHT}"
    return "there is no reference to show; give --images reference=DIR"


def _needed_for_checks(images: Images) -> str:
    if images.shows_object:
        return (
            f"no validation questions: {_SHOWS_OBJECT}; for them give --check METHOD, the worst, "
            f"and --images reference=DIR: {_RIGHT}"
        )
    return "validation questions need the originals and --check METHOD"


def _lowest_psnr(images: Images) -> str:
    """Return the method of lowest mean PSNR, as DeepFill v2 was in the paper; "" if unknown."""
    known = [(images.psnr[method], method) for method in images.methods if method in images.psnr]
    return min(known)[1] if known else ""


def _with_possible_numbers(study: config.Study, request: Request, pool: Pool) -> config.Study:
    """Limit numbers that were not requested to what the images allow."""
    numbers: dict[str, int] = {}
    checks = study.design.checks_per_person
    if request.checks is None:
        # Of an image on which everybody has a validation question, its pair would never be asked.
        most = len(pool.check_images) - (pool.shared > 0)
        checks = numbers["checks_per_person"] = min(_CHECKS, most)
    if request.pairs is None:
        numbers["pairs_per_person"] = max(1, min(_PAIRS, pool.balanced_pairs(checks)))
    return study.model_copy(update={"design": study.design.model_copy(update=numbers)})


@contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """Give a temporary folder, which gets its name when it is complete."""
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

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
from survey.setup import originals, sources
from survey.setup.sources import Images
from survey.storage import database, store
from survey.storage.open_study import checked_pool, open_study
from survey.study import config, secrets_file, stimuli, texts

# Those of the paper.
_PAIRS, _CHECKS = 25, 2


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
    what validation questions need that were wanted but are not there; `alike`: each two methods
    whose images are the same."""

    study: config.Study
    token: str
    stimuli: int
    questions: int
    balanced: int
    missing: list[tuple[str, str]]
    no_checks: str
    alike: list[tuple[str, str]]


def find_images(request: Request) -> Images:
    """Find all images that a study needs; raise InputError if there are none or they conflict."""
    if request.run is None and not request.images:
        raise InputError("no images: give --run RUN_FOLDER or --images METHOD=DIR")
    if REFERENCE in (request.methods or []):
        raise InputError("--methods reference: write --reference to compare the originals too")
    if request.run is None and request.resolution is not None:
        raise InputError(
            f"--resolution {request.resolution}: that of the results in --run; images of folders "
            "are shown as they are, so leave it out"
        )
    others = sources.from_folders(request.images)
    found = others if request.run is None else _beside_run(request, request.run, others)
    if request.run is None and request.methods is not None:
        for method in request.methods:
            if method not in others.methods:
                raise InputError(f"--methods {method}{suggestion(method, others.methods)}")
        found = others._replace(methods=list(request.methods))
    _check_names(found.methods + [REFERENCE] * request.reference, request.check)
    return found


def _beside_run(request: Request, run: Path, others: Images) -> Images:
    """Add images of folders to those of a run.

    --methods may name methods of the run alone: then those of folders are compared too, except the
    one that is given for validation questions.
    """
    wanted, check = request.methods, request.check
    of_run, of_folders = wanted, others.methods
    if wanted is not None:
        of_run = [method for method in wanted if method not in others.methods]
        named = [method for method in wanted if method in others.methods]
        of_folders = named or [method for method in others.methods if method != check]
    in_run = None if check in others.methods else check
    found = sources.from_run(run, request.resolution, of_run, in_run)
    return sources.merged(found, others._replace(methods=of_folders))


def _check_names(methods: Sequence[str], check: str | None) -> None:
    """Refuse too few methods, and names that stand for answers in files of votes."""
    if len(methods) < 2:
        only = f"only {methods[0]}" if methods else "none"
        raise InputError(
            f"two methods are needed to compare, but there is {only}: name more in --methods, or "
            "add --images METHOD=DIR"
        )
    for method in [*methods, check or ""]:
        if method.strip().lower() in store.CHOICES:
            raise InputError(
                f"{method}: cannot be told from the answer {method.strip().lower()!r} in a file of "
                "votes; call the method otherwise: --images NAME=DIR, or another label in the run"
            )


def create(
    request: Request, images: Images, on_encoded: Callable[[], None] = lambda: None
) -> Created:
    """Write a study's folder, completely or not at all, with the result of `find_images`.

    Raises InputError if the settings or images cannot be used, or the folder or its database exists
    already.
    """
    if request.database != "sqlite" and request.database.startswith("sqlite"):
        raise InputError(
            f"--database {request.database}: write sqlite, or postgresql+psycopg://USER@HOST/"
            "DATABASE; a file of SQLite is always study.db in the study's folder"
        )
    study = _study(request, images)
    if request.database.startswith("postgresql"):
        _check_postgresql(request)
    design, check = study.design, study.design.check_method
    with _new_folder(request.out) as folder:
        shown = {*design.methods, *((check, REFERENCE) if check else ())}
        used = [source for source in images.sources if source.method in shown]
        encoded, alike = stimuli.write(used, folder, request.quality, on_encoded)
        pool = make_pool(encoded, design.methods, design.against, check)
        if request.checks and not pool.check_images:
            raise InputError(
                f"--checks {request.checks}: {originals.needed_for_checks(images, pool)}"
            )
        study = _with_possible_numbers(study, request, pool)
        consent = texts.consent(study.language, checks=study.design.checks_per_person > 0)
        study = study.model_copy(update={"consent": consent})
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
    no_checks = "" if checks or request.checks == 0 else originals.needed_for_checks(images, pool)
    balanced, number = pool.balanced_pairs(checks), len(pool.pairs)
    return Created(study, token, len(encoded), number, balanced, missing, no_checks, alike)


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
        raise InputError(f"{option}: {originals.why_not_shown(images)}")
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
    if out.name in {"", ".."} or out.resolve() == Path.cwd():
        raise InputError(f"--out {out}: name a folder to be made, such as {out / 'study'}")
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

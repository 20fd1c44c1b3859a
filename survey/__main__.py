"""python -m survey create | check | serve | status | export | simulate | close | token"""

from __future__ import annotations

import inpainting_suite  # noqa: F401, first of all: refuses foreign packages of these names

# isort: split


import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from methods.errors import InputError, run_command_line

if TYPE_CHECKING:
    from survey.storage.open_study import OpenStudy

# Modules are imported by the commands that need them: --help stays fast.
app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Preference studies: from the results of a run to valid votes of real people.",
)

_Study = Annotated[Path, Argument(metavar="STUDY", help="Folder written by create.")]


@app.command()
def create(
    out: Annotated[Path, Option(metavar="STUDY", help="Folder to write; must not exist.")],
    run: Annotated[Path | None, Option(metavar="RUN", help="Run folder of the benchmark.")] = None,
    images: Annotated[
        list[str] | None,
        Option(metavar="METHOD=DIR", help="Folder of results made elsewhere; repeatable."),
    ] = None,
    resolution: Annotated[
        str | None,
        Option(metavar="PIXELS|native", help="Resolution of the run.", show_default="1024"),
    ] = None,
    methods: Annotated[
        str | None,
        Option(help="Methods to compare, comma-separated.", show_default="all that have results"),
    ] = None,
    reference: Annotated[
        bool, Option("--reference", help="Compare the originals too, as a method.")
    ] = False,
    check: Annotated[
        str | None,
        Option(
            metavar="METHOD",
            help="Method shown against the original in validation questions.",
            show_default="that of lowest mean PSNR",
        ),
    ] = None,
    against: Annotated[str, Option(metavar="METHOD", help="Only pairs with this method.")] = "",
    pairs: Annotated[
        int | None, Option(min=1, help="Questions for each person.", show_default="25")
    ] = None,
    checks: Annotated[
        int | None, Option(min=0, help="Validation questions for each person.", show_default="2")
    ] = None,
    target_votes: Annotated[
        int, Option(min=0, help="Valid votes after which nobody can start; 0: no limit.")
    ] = 0,
    ties: Annotated[bool, Option("--ties", help="Allow 'no difference'.")] = False,
    adaptive: Annotated[
        bool, Option("--adaptive", help="Ask the pairs that the ranking so far leaves open.")
    ] = False,
    language: Annotated[str, Option(help="Language of the pages: en, ru, de.")] = "en",
    quality: Annotated[
        int, Option(min=0, max=100, help="Quality of lossy WebP images; 0: lossless.")
    ] = 0,
    seed: Annotated[int, Option(min=0, help="Seed of the choice of questions.")] = 0,
    database: Annotated[
        str, Option(help="sqlite, or postgresql+psycopg://USER@HOST/NAME")
    ] = "sqlite",
) -> None:
    """Turn results into a study: study.toml to edit, images under random names, the database."""
    from survey.setup import create as setup
    from survey.setup import summary
    from survey.setup.sources import with_home

    named = [name.strip() for name in methods.split(",")] if methods is not None else None
    request = setup.Request(
        out=with_home(out),
        run=with_home(run) if run is not None else None,
        images=images or (),
        resolution=resolution,
        methods=[name for name in named if name] if named is not None else None,
        reference=reference,
        check=check,
        against=against,
        pairs=pairs,
        checks=checks,
        target_votes=target_votes,
        ties=ties,
        adaptive=adaptive,
        language=language,
        quality=quality,
        seed=seed,
        database=database,
    )
    found = setup.find_images(request)
    with _progress("encoding images", len(found.sources)) as advance:
        created = setup.create(request, found, advance)
    print(*summary.lines(request, created), sep="\n")
    for path in found.passed_over:
        print(f"passed over: {path}, a hidden file")
    if created.alike:
        print(summary.warning(created.alike), file=sys.stderr)


@contextmanager
def _progress(description: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on a terminal; give the function that advances it."""
    from rich.progress import Progress

    with Progress(disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(description, total=total)
        yield lambda: bar.advance(task)


@app.command()
def serve(
    study: _Study,
    host: Annotated[
        str, Option(help="Address to listen on; 0.0.0.0: all that can reach this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, Option(min=1, help="Number of processes.")] = 2,
    preview: Annotated[bool, Option("--preview", help="Try it; nothing is recorded.")] = False,
) -> None:
    """Open the study to participants; stop with Ctrl-C, no acknowledged vote is lost."""
    from survey.storage.open_study import open_study
    from survey.study import stimuli_url
    from survey.web import serve as server

    opened = open_study(study, preview=preview, asking=True)
    state = _apply_rules(opened)
    opened.engine.dispose()
    server.check_free(host, port)
    images = opened.config.server.stimuli_url
    if images:
        try:
            stimuli_url.check(images, opened.stimuli[:1], study)
        except stimuli_url.NoAnswerError as error:
            print(f"warning: {error}, here; do browsers get it?", file=sys.stderr, flush=True)
    shown_host = "localhost" if host in {"0.0.0.0", "::"} else host
    address = opened.config.server.public_url.rstrip("/") or f"http://{shown_host}:{port}"
    print(f"participants: {address}/\nowner:        {address}/owner", flush=True)
    if images:
        print(f"images:       {stimuli_url.description(images, study)}", flush=True)
    print(state, flush=True)
    if preview:
        print("preview: nothing is recorded", flush=True)
    server.serve(opened, host, port, workers)


def _apply_rules(study: OpenStudy) -> str:
    """Apply the current exclusion rules, and describe the study in a line."""
    from survey.results import participants
    from survey.storage import database, store

    with (
        database.errors_as_input(str(study.folder)),
        database.writing(study.engine) as connection,
    ):
        participants.update_exclusions(connection, study.config)
        row, started = store.study_row(connection), store.next_id(connection) - 1
    database.forget(study.engine)
    if row.simulated:
        return "it has simulated participants: people cannot take part"
    return f"{row.state}, {started} started so far"


@app.command()
def check(study: _Study) -> None:
    """Check that all images are there, here or at server.stimuli_url, byte for byte."""
    from survey.study import config, stimuli, stimuli_url

    url = config.read(study).server.stimuli_url
    images = stimuli.read(study, elsewhere=bool(url))
    with _progress("checking images", len(images)) as advance:
        if not url:
            stimuli.check(study, images, advance)
        else:
            stimuli_url.check(url, images, study, advance)
    print(f"{url or study / stimuli.FOLDER}: all {len(images)} images of {study}")


@app.command()
def status(study: _Study) -> None:
    """Print participants, votes and the ranking so far."""
    from survey.results import board

    print(board.as_text(study), end="")


@app.command()
def export(
    study: _Study,
    votes: Annotated[
        Path,
        Argument(metavar="VOTES", help="File to write, .csv or .parquet; the others go beside it."),
    ],
) -> None:
    """Write votes.csv, participants.csv, payments.csv, shown.csv and study.json."""
    from survey.results import export as exporting
    from survey.storage.database import errors_as_input
    from survey.storage.open_study import open_study

    with errors_as_input(str(study)):
        try:
            paths = exporting.write(open_study(study), votes)
        except OSError as error:
            raise InputError(f"{error.filename or votes}: {error.strerror}") from error
    print(*paths, sep="\n")


@app.command()
def simulate(
    study: _Study,
    people: Annotated[int, Option(min=1, help="Number of participants.")] = 150,
    truth: Annotated[
        Path | None,
        Option(metavar="CSV", help="Columns method and ability.", show_default="all equal"),
    ] = None,
    spread: Annotated[float, Option(min=0, help="How much people differ.")] = 0.5,
    careless: Annotated[float, Option(min=0, max=1, help="Share who answer at random.")] = 0.05,
    seed: Annotated[int, Option(min=0)] = 0,
) -> None:
    """Let simulated participants use the study's pages; all their results say "simulated"."""
    from survey.results import board
    from survey.study.config import read
    from survey.web import simulate as simulation

    methods = read(study).design.methods
    abilities = simulation.read_truth(truth, methods) if truth else dict.fromkeys(methods, 0.0)
    crowd = simulation.Crowd(people, abilities, spread, careless, seed)
    with _progress("simulating", people) as advance:
        finished = simulation.simulate(study, crowd, advance)
    if finished < people:
        print(f"full after {finished:,} more {'person' if finished == 1 else 'people'}")
    print(board.as_text(study), end="")


@app.command()
def close(study: _Study) -> None:
    """Accept no more votes. The owner's page opens the study again."""
    from survey.storage import database, store
    from survey.storage.open_study import open_study

    engine = open_study(study).engine
    with database.errors_as_input(str(study)), database.writing(engine) as connection:
        store.set_state(connection, store.CLOSED)
    print(f"{study} is closed; export it: python -m survey export {study} votes.csv")


@app.command()
def token(study: _Study) -> None:
    """Print a new token for the owner's page; the old one becomes invalid."""
    from survey.study import config, secrets_file

    config.read(study)
    print(f"owner's token, shown only now: {secrets_file.new_owner_token(study)}")
    print("restart a running server to use it")


if __name__ == "__main__":
    run_command_line(app)

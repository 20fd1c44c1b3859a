"""python -m survey create | check | serve | status | export | simulate | close | token"""

from __future__ import annotations

import inpainting_suite  # noqa: F401, first of all: refuses foreign packages of these names

# isort: split

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from methods.errors import InputError, run_command_line

if TYPE_CHECKING:
    from survey.storage.opened import Opened

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Preference studies: from a run's results to valid votes of real people.",
)

Study = Annotated[Path, Argument(metavar="STUDY", help="Folder that create has made.")]


@app.command()
def create(
    out: Annotated[Path, Option(metavar="STUDY", help="Folder to write; must not exist.")],
    run: Annotated[Path | None, Option(metavar="RUN", help="Run folder of the benchmark.")] = None,
    images: Annotated[
        list[str] | None,
        Option(metavar="METHOD=DIR", help="Images made anywhere, a file for each; repeatable."),
    ] = None,
    resolution: Annotated[
        int | None, Option(help="Of the run, in pixels.", show_default="1024")
    ] = None,
    methods: Annotated[
        str | None, Option(help="Comma-separated.", show_default="all that have results")
    ] = None,
    reference: Annotated[
        bool, Option("--reference", help="Compare the originals too, as a method.")
    ] = False,
    check: Annotated[
        str | None,
        Option(
            metavar="METHOD",
            help="Shown against the original in validation questions.",
            show_default="that of lowest mean PSNR",
        ),
    ] = None,
    against: Annotated[str, Option(metavar="METHOD", help="Only pairs with this method.")] = "",
    pairs: Annotated[int | None, Option(min=1, help="For each person.", show_default="25")] = None,
    checks: Annotated[
        int | None, Option(min=0, help="Validation questions.", show_default="2")
    ] = None,
    target_votes: Annotated[int, Option(min=0, help="Then nobody can start; 0: no limit.")] = 0,
    ties: Annotated[bool, Option("--ties", help="Allow 'no difference'.")] = False,
    adaptive: Annotated[
        bool, Option("--adaptive", help="Ask the pairs that the ranking so far leaves open.")
    ] = False,
    language: Annotated[str, Option(help="Of the pages: en, ru, de.")] = "en",
    quality: Annotated[int, Option(min=0, max=100, help="Of lossy WebP images; 0: lossless.")] = 0,
    seed: Annotated[int, Option(min=0, help="Of who is shown what.")] = 0,
    database: Annotated[
        str, Option(help="sqlite, or postgresql+psycopg://USER@HOST/NAME")
    ] = "sqlite",
) -> None:
    """Turn results into a study: study.toml to edit, images under opaque names, the database."""
    from rich.progress import Progress

    from survey.setup import create as making

    wanted = making.Wanted(
        out=out,
        run=run,
        images=images or [],
        resolution=resolution,
        methods=[name.strip() for name in methods.split(",")] if methods is not None else None,
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
    gathered = making.gather(wanted)
    with Progress(disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("encoding images", total=len(gathered.sources))
        made = making.create(wanted, gathered, done=lambda: bar.advance(task))
    design = made.study.design
    print(f"{out}: {made.questions} questions on {', '.join(design.methods)}")
    print(f"images: {made.stimuli}, {'lossless' if not quality else f'quality {quality}'} WebP")
    checking = f"{design.checks_per_person} of {design.check_method} against the original"
    print(
        f"each person: {design.pairs_per_person} questions and "
        + (checking if design.checks_per_person else "no validation questions")
    )
    for image, method in made.missing:
        print(f"left out: {image} by {method}, which has no result")
    if not design.checks_per_person and checks != 0:
        print("validation questions need the originals and --check METHOD")
    if not made.study.contact:
        print(f"no contact is given: participants may want one, see {out / 'study.toml'}")
    print(f"\nowner's token, shown only now: {made.token}")
    print(f"next: read and edit {out / 'study.toml'}, then: python -m survey serve {out}")


@app.command()
def serve(
    study: Study,
    host: Annotated[
        str, Option(help="0.0.0.0: for everybody who can reach this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65535)] = 8000,
    workers: Annotated[int, Option(min=1, help="Processes.")] = 2,
    preview: Annotated[bool, Option("--preview", help="Try it; nothing is recorded.")] = False,
) -> None:
    """Open the study to participants; stop with Ctrl-C, nothing acknowledged is lost."""
    from survey.storage.opened import open_study
    from survey.study import stimuli_url
    from survey.web import serve as serving

    opened = open_study(study, preview=preview)
    standing = _standing(opened)
    opened.engine.dispose()
    _check_free(host, port)
    elsewhere = opened.study.server.stimuli_url
    if elsewhere:
        try:
            stimuli_url.check(elsewhere, opened.stimuli[:1], study)
        except stimuli_url.NoAnswerError as error:
            print(f"warning: {error}, here; do browsers get it?", file=sys.stderr, flush=True)
    public = opened.study.server.public_url.rstrip("/")
    address = public or f"http://{_shown(host)}:{port}"
    print(f"participants: {address}/\nowner:        {address}/owner", flush=True)
    if elsewhere:
        print(f"images:       {stimuli_url.whereabouts(elsewhere, study)}", flush=True)
    print(standing, flush=True)
    if preview:
        print("preview: nothing is recorded", flush=True)
    serving.serve(study, host, port, workers, preview)


@app.command()
def check(study: Study) -> None:
    """Whether all images are there, here or at server.stimuli_url, byte for byte."""
    from rich.progress import Progress

    from survey.study import config, stimuli, stimuli_url

    elsewhere = config.read(study).server.stimuli_url
    shown = stimuli.read(study, elsewhere=bool(elsewhere))
    with Progress(disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("checking images", total=len(shown))

        def done() -> None:
            bar.advance(task)

        if elsewhere:
            try:
                stimuli_url.check(elsewhere, shown, study, done)
            except stimuli_url.NoAnswerError as error:
                raise InputError(str(error)) from error
        else:
            stimuli.check(study, shown, done)
    print(f"{elsewhere or study / stimuli.FOLDER}: all {len(shown)} images of {study}")


def _standing(opened: Opened) -> str:
    """Of a study that is about to be served; its exclusions are judged by the rules of now."""
    from survey.results import people
    from survey.storage import database, store

    with database.explained(str(opened.folder)), database.writing(opened.engine) as connection:
        people.judge_again(connection, opened.study)
        row, started = store.row(connection), store.next_id(connection) - 1
    if row.simulated:
        return "it holds simulated participants: people cannot take part"
    return f"{row.state}, {started} started so far"


def _shown(host: str) -> str:
    return {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)


def _check_free(host: str, port: int) -> None:
    import socket

    try:
        with socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        ):
            pass
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: {error.strerror}") from error


@app.command()
def status(study: Study) -> None:
    """How a study stands."""
    from survey.results import status as standing

    print(standing.text(study), end="")


@app.command()
def export(
    study: Study,
    votes: Annotated[
        Path,
        Argument(metavar="VOTES", help="File to write, .csv or .parquet; the others go beside it."),
    ],
) -> None:
    """Write votes.csv, participants.csv, payments.csv, shown.csv and study.json."""
    from survey.results import export as exporting
    from survey.storage.database import explained
    from survey.storage.opened import open_study

    with explained(str(study)):
        try:
            written = exporting.write(open_study(study), votes)
        except OSError as error:
            raise InputError(f"{error.filename or votes}: {error.strerror}") from error
    print("\n".join(map(str, written)))


@app.command()
def simulate(
    study: Study,
    people: Annotated[int, Option(min=1, help="How many take part.")] = 150,
    truth: Annotated[
        Path | None,
        Option(metavar="CSV", help="Columns method and ability.", show_default="all equal"),
    ] = None,
    spread: Annotated[float, Option(min=0, help="How much people differ.")] = 0.5,
    careless: Annotated[float, Option(min=0, max=1, help="Share who answer at random.")] = 0.05,
    seed: Annotated[int, Option(min=0)] = 0,
) -> None:
    """Play participants through the study's pages; everything they leave says "simulated"."""
    from rich.progress import Progress

    from survey.results import status as standing
    from survey.study.config import read
    from survey.web import simulate as simulating

    methods = read(study).design.methods
    abilities = simulating.read_truth(truth, methods) if truth else dict.fromkeys(methods, 0.0)
    crowd = simulating.Crowd(people, abilities, spread, careless, seed)
    with Progress(disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("simulating", total=people)
        took_part = simulating.simulate(study, crowd, done=lambda: bar.advance(task))
    if took_part < people:
        print(f"full after {took_part:,} more people")
    print(standing.text(study), end="")


@app.command()
def close(study: Study) -> None:
    """Accept no more votes. The owner's page opens it again."""
    from survey.storage import database, store
    from survey.storage.opened import open_study

    with database.explained(str(study)), database.writing(open_study(study).engine) as connection:
        store.set_state(connection, store.CLOSED)
    print(f"{study} is closed; export it: python -m survey export {study} votes.csv")


@app.command()
def token(study: Study) -> None:
    """Print a new token for the owner's page; the old one is void."""
    from survey.study import config, keys

    config.read(study)
    print(f"owner's token, shown only now: {keys.new_owner_token(study)}")
    print("a running server takes it after a restart")


if __name__ == "__main__":
    run_command_line(app)

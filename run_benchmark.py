"""Run methods on photographs and score them; see `python run_benchmark.py --help`."""

from __future__ import annotations

import inpainting_suite  # noqa: F401, first: refuses foreign packages of these names

# isort: split

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer import Option

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

# Exists in a checkout only.
DEMO = Path(__file__).parent / "datasets" / "demo"


@app.command()
def run(
    dataset: Annotated[
        Path,
        Option(
            metavar="DIR",
            help="Folder of photographs: flat, images/ with masks/, or as its dataset.toml says.",
            show_default="datasets/demo",
        ),
    ] = DEMO,
    images: Annotated[
        list[str] | None,
        Option(metavar="PATTERN", help="Which files are photographs: *_raw.png; repeatable."),
    ] = None,
    masks: Annotated[
        list[str] | None,
        Option(
            metavar="PATTERN",
            help="Which files are their masks: {image}_mask*.png or {folder}/mask.png; without "
            "either name both are paired in sorted order; repeatable.",
        ),
    ] = None,
    hole: Annotated[
        Literal["white", "black"] | None,
        Option(help="Which side of the masks is the hole.  [default: white]"),
    ] = None,
    mask_threshold: Annotated[
        int | None,
        Option(min=1, max=255, help="For soft masks: white is >= this value."),
    ] = None,
    methods: Annotated[
        str | None,
        Option(
            help="Comma-separated names, see python -m methods list; two-stage:NAME uses another "
            "method as stage one.  [default: telea,navier-stokes,patchmatch,two-stage]"
        ),
    ] = None,
    resolutions: Annotated[
        str | None,
        Option(
            help="Comma-separated sizes in pixels, also others than the protocol's.  "
            "[default: the protocol's]"
        ),
    ] = None,
    protocol: Annotated[
        str, Option(help="Name of a shipped protocol, or a .toml file.")
    ] = "moskalenko2020",
    out: Annotated[
        Path | None, Option(metavar="DIR", help="Run folder.  [default: results/NAME-OF-DATASET]")
    ] = None,
    method_file: Annotated[
        list[Path] | None,
        Option(metavar="FILE", help="TOML file with methods and their options; repeatable."),
    ] = None,
    external: Annotated[
        list[str] | None,
        Option(
            metavar="NAME=DIR",
            help="Results of other software: DIR/RESOLUTION/IMAGE.png, or DIR/IMAGE.png for one "
            "resolution; repeatable.",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        Option(metavar="METHOD.KEY=VALUE", help="Set an option of a method; repeatable."),
    ] = None,
    python: Annotated[
        list[str] | None,
        Option(
            metavar="METHOD=PATH",
            help="Run a method with another Python, that of an environment with the method's "
            "libraries; repeatable; see docs/add_a_method.md.",
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        Option(
            metavar="NAME=PATH",
            help="Weights file of a network, for all methods that use it; NAME=random uses random "
            "weights; repeatable.  [default: those stored by python -m methods fetch NAME]",
        ),
    ] = None,
    device: Annotated[str, Option(help="auto, cpu, cuda, cuda:1 ...")] = "auto",
    workers: Annotated[
        int | None,
        Option(min=1, help="Number of cases to run at a time here.  [default: 1]"),
    ] = None,
    cluster: Annotated[
        str | None,
        Option(
            metavar="ADDRESS",
            help="Run on a Dask cluster: address or .json file of its scheduler, or local:N for N "
            "workers on this machine; see docs/cluster.md.",
        ),
    ] = None,
    seed: Annotated[int, Option(min=0, help="Seed for methods that use random numbers.")] = 0,
    time_limit: Annotated[float, Option(min=1, help="Time limit of one case in seconds.")] = 3600,
    memory_limit: Annotated[
        float | None,
        Option(
            min=0.1,
            metavar="GB",
            help="Memory limit of one case (Linux); a case that exceeds it fails.",
        ),
    ] = None,
    overwrite: Annotated[
        Literal["never", "failed", "all"],
        Option(
            help="Which finished cases to run again: none, the failed ones, all. Cases whose input "
            "or options have changed always run again."
        ),
    ] = "never",
    accept_drift: Annotated[
        bool,
        Option(
            "--accept-drift",
            help="Accept external results that differ from the reference outside the hole; they "
            "are scored as given and flagged.",
        ),
    ] = False,
    forget: Annotated[
        list[str] | None,
        Option(
            metavar="METHOD",
            help="Take a method and its results out of the run folder; repeatable. Without "
            "methods to run, nothing else is done.",
        ),
    ] = None,
    export_inputs: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="Run nothing; write the images with black holes, and the masks, for use with "
            "other software.",
        ),
    ] = None,
) -> None:
    """Run inpainting methods on photographs and score them.

    The same command resumes a run that was stopped. Exit code: 0 done, 1 some cases failed (the
    others are done and reported), 2 bad input.
    """
    if cluster is not None and workers is not None:
        raise typer.BadParameter("--cluster has its own number of workers; leave out --workers")
    if dataset == DEMO and not DEMO.is_dir():
        raise typer.BadParameter(
            "--dataset is needed: the demo photographs come with a checkout of the suite, not with "
            "an installed package"
        )
    description = {"images": images, "masks": masks, "hole": hole, "threshold": mask_threshold}
    if export_inputs is not None:
        from benchmark.external.export import export

        if methods or method_file or external or option or weights or python or out:
            raise typer.BadParameter("--export-inputs runs no method; leave out methods and --out")
        export(dataset, description, protocol, resolutions, export_inputs)
        raise typer.Exit(0)
    if sys.platform == "win32":
        raise typer.BadParameter(
            "methods run on Linux and macOS only: on Windows, use a Linux of WSL; --export-inputs, "
            "the survey and the analysis do without"
        )

    from benchmark.inputs.description import open_dataset
    from benchmark.job import run_job
    from benchmark.planning import kept, method_specs
    from benchmark.planning.request import Request

    folder = out or Path("results") / open_dataset(dataset, description).name
    if forget:
        for label, cases in kept.forget(folder, forget).items():
            print(f"taken out of {folder}: {label}, {cases} cases", file=sys.stderr)
        if not (methods or method_file or external):
            raise typer.Exit(report(folder, []))
    request = Request(
        dataset=dataset,
        description=description,
        specs=method_specs.collect(
            methods,
            method_file or [],
            external or [],
            option or [],
            device,
            seed,
            weights or [],
            python or [],
        ),
        resolutions=resolutions,
        protocol=protocol,
        out=folder,
        workers=workers or 1,
        cluster=cluster,
        seed=seed,
        time_limit=time_limit,
        memory_limit=memory_limit,
        overwrite=overwrite,
        accept_drift=accept_drift,
        command=sys.argv,
    )
    raise typer.Exit(report(request.out, run_job(request)))


def report(out: Path, statuses: list[str]) -> int:
    """Write tables, figures and report, print the table and return the exit code."""
    from rich.progress import Progress

    import analysis.runs.run
    from analysis.report import publish
    from analysis.runs import table_formats, tables
    from methods.terminal import plain_console

    console, errors = plain_console(), plain_console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("drawing the report", total=None)
        page = publish.publish(
            out, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    table_formats.show(tables.objective(analysis.runs.run.load(out)), console)
    console.print(f"\nRun folder: {out}", soft_wrap=True)
    console.print(f"Report: {page}", soft_wrap=True)
    return int(any(status not in {"ok", "skipped"} for status in statuses))


def main() -> None:
    """Run the command line."""
    from methods.errors import run_command_line

    message = "interrupted; finished cases are kept, the same command goes on from here"
    run_command_line(app, interrupted=message)


if __name__ == "__main__":
    main()

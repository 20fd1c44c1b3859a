"""`python -m analysis`: from a run folder to tables, plots, figures and the report."""

from __future__ import annotations

import inpainting_suite  # noqa: F401, first of all: refuses foreign packages of these names

# isort: split

import typer

from analysis.commands import (
    correlate,
    figure,
    merge,
    power,
    rank,
    report,
    set_metrics,
    site,
    validate,
)
from methods.errors import run_command_line

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def main() -> None:
    """Tables, plots, figures and reports from finished runs."""


for command in (
    report.report,
    figure.figure,
    rank.rank,
    validate.validate,
    correlate.correlate,
    power.power,
    set_metrics.set_metrics,
    merge.merge,
    site.site,
):
    app.command()(command)

if __name__ == "__main__":
    run_command_line(app)

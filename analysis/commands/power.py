"""`python -m analysis power`: how many people a study needs."""

from __future__ import annotations

import math
from typing import Annotated

from typer import Option

from analysis.commands import options
from methods.errors import InputError

# Moskalenko et al. 2020: 150 people, 25 pairs each.
_PAPER_PEOPLE, _PAPER_PAIRS = 150, 25
_MOST_PEOPLE = 100_000


def power(
    abilities: Annotated[
        str, Option(help="Expected abilities, natural logarithms, comma-separated.")
    ] = "0.9,0.6,0.3,0,-0.3",
    people: Annotated[str, Option(help="Numbers of people, comma-separated.")] = "50,100,150,300",
    pairs: Annotated[int, Option(min=1, help="Pairs that each person judges.")] = _PAPER_PAIRS,
    spread: Annotated[
        float, Option(min=0, help="How much people differ: standard deviation of abilities.")
    ] = 0.5,
    failed: Annotated[
        float, Option(min=0, max=0.9, help="Share of people who will be left out.")
    ] = 0.0,
    simulations: Annotated[
        int, Option(min=20, help="Studies to simulate for each number of people.")
    ] = 200,
    seed: Annotated[int, Option(min=0)] = 0,
) -> None:
    """Simulate how many people a study needs."""
    from analysis.ranking import power as simulation

    design = simulation.Design(options.numbers(abilities, "--abilities"), pairs, spread, failed)
    if len(design.abilities) < 2:
        raise InputError(f"--abilities {abilities}: at least two are needed")
    sizes = options.numbers(people, "--people")
    for size in sizes:
        if not 2 <= size <= _MOST_PEOPLE or size != int(size):
            raise InputError(f"--people {size:g}: whole numbers from 2 to {_MOST_PEOPLE:,}")
    print(f"{len(design.abilities)} methods, {pairs} pairs each, spread {spread:g}, seed {seed}")
    print("people   votes  true order  neighbours told apart (best first)       interval")
    absent = False
    for size in sizes:
        result = simulation.power(design, int(size), simulations, seed)
        paper = (result.people, pairs) == (_PAPER_PEOPLE, _PAPER_PAIRS)
        absent |= math.isnan(result.interval)
        shares = " ".join(f"{100 * share:4.0f} %" for share in result.separated)
        print(
            f"{result.people:6d} {result.votes:7d}  {100 * result.order:8.0f} %  {shares:38s}  "
            f"{'-' if math.isnan(result.interval) else f'{result.interval:.2f}':>8s}"
            + (" (the paper's)" if paper else "")
            + (f"  {result.unranked} without a finite ranking" if result.unranked else "")
        )
    print(
        f"{simulations} simulated studies each; told apart: significantly different at 0.05 "
        "(Holm), in the true order; interval: mean width of a difference's 95 % interval"
        + (", -: not every study had one (too few people or votes)" if absent else "")
    )

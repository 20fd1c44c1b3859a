"""What is known of an exported network, as a method file to start from."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from methods.exported import files
from methods.exported.format import Network, Port
from methods.exported.inputs import USUAL
from methods.inspection.candidates import Options
from methods.inspection.trial import CAME_BACK, Findings, explore
from methods.labels import REFERENCE

# Options that decide what the network sees; written even if they have their default value.
ALWAYS = ("inputs", "image_range", "mask_values", "output_range")
# One of the bundled photographs.
PHOTOGRAPH = "kitten_daisies.jpg"
MOST_REASONS = 4
MOST_OTHERS = 4
MOST_PORTS = 6


def report(path: Path, device: str) -> tuple[str, bool]:
    """Try a network and describe it.

    Parameters
    ----------
    path
        The network.
    device
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1"...

    Returns
    -------
    tuple of str and bool
        A method file that says in comments what was found, and whether the network ran.

    Raises
    ------
    MethodError
        If the file is no network.
    """
    network = files.load(path, device)
    findings = explore(network)
    label = path.stem.lstrip("-. ")[:60].rstrip() or "network"
    label = "network" if label.casefold() == REFERENCE else label
    if isinstance(findings, Findings):
        ran, options, lines = True, _options(findings), list(_found(findings))
    else:
        ran, options = False, {"inputs": USUAL}
        lines = [*_ports("outputs", network.outputs), *_not_run(findings)]
    lines = [*_told(network), *lines, "", *_how_to_run(label)]
    comments = [f"# {line}".rstrip() for line in lines]
    return "\n".join([*comments, "", *_table(label, path, options), ""]), ran


def _told(network: Network) -> Iterator[str]:
    """Yield what the file tells."""
    yield f"{network.path.name}: {network.form}, {network.path.stat().st_size / 2**20:.1f} MB"
    if network.inputs is None:
        yield "inputs: one dictionary or list; the file does not tell its content"
    yield from _ports("inputs", network.inputs or ())


def _ports(heading: str, ports: tuple[Port, ...]) -> Iterator[str]:
    if ports:
        yield heading
    for port in ports[:MOST_PORTS]:
        yield f"  {port.name}: {port.described()}"
    if len(ports) > MOST_PORTS:
        yield f"  and {len(ports) - MOST_PORTS} more"


def _found(findings: Findings) -> Iterator[str]:
    best = findings.best
    height, width = best.sides
    yield f"tried with a made-up image of {width}x{height}; it returned"
    returned = list(zip(findings.outputs, findings.ranges, strict=True))
    for number, (port, (least, greatest)) in enumerate(returned):
        taken = "  <- the result" if port.name == best.output else ""
        if number < MOST_PORTS or taken:
            yield (
                f"  {number} {port.name}: {port.described()}, "
                f"values {least:.3g} to {greatest:.3g}{taken}"
            )
    if len(returned) > MOST_PORTS:
        yield f"  of {len(returned)} outputs"
    yield f"looks like: {_words(best.options)}"
    yield f"  known pixels differ by {best.known:.1f} of 255, the hole by {best.hole:.0f}"
    yield from _doubts(findings)


def _doubts(findings: Findings) -> Iterator[str]:
    """Yield what one image cannot show."""
    best = findings.best
    if not best.is_filled:
        yield (
            "BUT the hole comes back as it was given: the network starts from what is under it, "
            "or is not for inpainting"
        )
    elif best.known > CAME_BACK:
        yield (
            "BUT known pixels do not come back with any options: these are the ones with the "
            "likeliest hole; look for the right ones in the network's description"
        )
    for words in _as_good(findings)[:MOST_OTHERS]:
        yield f"as good: {words}"
    if findings.reads_hole:
        value = best.options.get("hole_value")
        yield (
            "the result depends on what is under the hole: "
            + (f"`hole_value` {value:g} came out best" if value is not None else "black is given")
            + ", check it in the network's description"
        )
    yield 'not to be seen: the order of colours, `colours = "BGR"` if not RGB'


def _as_good(findings: Findings) -> list[str]:
    """Return other options in words; rare values of masks only where the best are rare too."""
    best = findings.best
    words: dict[str, None] = {}
    for trial in findings.as_good:
        if min(trial.options["mask_values"]) < 0 <= min(best.options["mask_values"]):
            continue
        of = "" if trial.output == best.output else f" of output {trial.output}"
        words[_words(trial.options) + of] = None
    words.pop(_words(best.options), None)
    return list(words)


def _words(options: Options) -> str:
    black, white = options["image_range"]
    known, hole = options["mask_values"]
    words = [f"{' and '.join(options['inputs'])}, image [{black:g}, {white:g}]"]
    if any("mask" in kind for kind in options["inputs"]):
        words.append(f"mask {known:g} = known and {hole:g} = hole")
    words.append(f"result [{options['output_range'][0]:g}, {options['output_range'][1]:g}]")
    return ", ".join(words)


def _not_run(reasons: list[str]) -> Iterator[str]:
    yield "could not be run on a small image; what was tried ended with"
    for reason in reasons[:MOST_REASONS]:
        yield f"  {reason}"
    if len(reasons) > MOST_REASONS:
        yield f"  and {len(reasons) - MOST_REASONS} more"
    yield "the table below is where to start; all options: docs/add_a_method.md"


def _how_to_run(label: str) -> Iterator[str]:
    name = shlex.quote(f"{label}.toml")
    yield f"Save this as {name} and try it on a photograph:"
    yield (
        f"  python run_benchmark.py --method-file {name} --images {PHOTOGRAPH} --resolutions 512 "
        "--out results/try"
    )


def _options(findings: Findings) -> Options:
    """Return the options to write: those that say how, and others that are not the default."""
    options = {key: value for key, value in findings.best.options.items() if value is not None}
    if not any("mask" in kind for kind in options["inputs"]):
        del options["mask_values"]
    if findings.best.output != findings.first_image:
        options["output"] = findings.best.output
    return options


def _table(label: str, path: Path, options: Options) -> Iterator[str]:
    yield f"[{json.dumps(label, ensure_ascii=False)}]"
    yield 'method = "exchange"'
    yield f"file = {json.dumps(str(path.resolve()), ensure_ascii=False)}"
    order = [*(key for key in ALWAYS if key in options), *sorted(set(options) - set(ALWAYS))]
    for key in order:
        yield f"{key} = {_toml(options[key])}"


def _toml(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    # 255.0 is written as people write it.
    is_whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if is_whole else value, ensure_ascii=False)

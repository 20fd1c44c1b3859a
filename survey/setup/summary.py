"""What `python -m survey create` says about a new study."""

from __future__ import annotations

from collections.abc import Sequence

from methods.shown_text import counted
from survey.setup.create import Created, Request


def lines(request: Request, created: Created) -> list[str]:
    """Describe a new study, what its images do not allow, and what to do next."""
    design, out = created.study.design, request.out
    compression = f"quality {request.quality}" if request.quality else "lossless"
    checks = f"{design.checks_per_person} of {design.check_method} against the original"
    said = [
        f"{out}: {counted(created.questions, 'question')} on {', '.join(design.methods)}",
        f"images: {created.stimuli}, {compression} WebP",
        f"each person: {counted(design.pairs_per_person, 'question')} and "
        + (checks if design.checks_per_person else "no validation questions"),
    ]
    if design.pairs_per_person > created.balanced:
        said.append(
            f"{design.check_method} against the original is asked less often than other pairs: "
            f"it is also in validation questions; --pairs {created.balanced} would keep them equal"
        )
    said += [
        f"left out: {image} by {method}, which has no result" for image, method in created.missing
    ]
    if created.no_checks:
        said.append(created.no_checks)
    if not created.study.contact:
        said.append(f"no contact is given: participants may want one, see {out / 'study.toml'}")
    return [
        *said,
        f"\nowner's token, shown only now: {created.token}",
        f"next: read and edit {out / 'study.toml'}, then: python -m survey serve {out}",
    ]


def warning(alike: Sequence[tuple[str, str]]) -> str:
    """Warn of methods whose images are all the same: there is nothing to choose between them."""
    pairs = ", ".join(f"{first} and {second}" for first, second in alike)
    return f"warning: the same pixels on all images by {pairs}; is a folder given twice?"

"""Why originals cannot be shown, as competitors or in validation questions, and what to do."""

from __future__ import annotations

from methods.labels import REFERENCE
from survey.design.questionnaire import Pool
from survey.setup.sources import Images

_SHOWS_OBJECT = "the originals of the run show the object to be removed (reference = false)"
_RIGHT = "results that are right beyond doubt, such as retouched by hand"


def why_not_shown(images: Images) -> str:
    """Say why nothing can be shown as what is right, and what to do."""
    if images.shows_object:
        return f"{_SHOWS_OBJECT}; leave the option out, or give --images reference=DIR: {_RIGHT}"
    return "there is no reference to show; give --images reference=DIR"


def needed_for_checks(images: Images, pool: Pool) -> str:
    """Say why there are no validation questions, and what to do."""
    without = all(source.method != REFERENCE for source in images.sources)
    if without and images.shows_object:
        needed = (
            f"{_SHOWS_OBJECT}; for them give --check METHOD, the worst, and --images "
            f"reference=DIR: {_RIGHT}"
        )
    elif without:
        needed = "they need the originals, --images reference=DIR, and --check METHOD, the worst"
    elif not pool.check_method:
        needed = "they need --check METHOD, the worst, to be shown against the originals"
    elif not pool.check_images:
        needed = f"no image has both a result of {pool.check_method} and the original"
    else:
        needed = (
            f"all images with {pool.check_method} and the original are needed for that pair, which "
            "is compared too"
        )
    return f"no validation questions: {needed}"

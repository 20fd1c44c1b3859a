"""What the bench needs of the Python that runs it."""

from __future__ import annotations

from importlib.util import find_spec

# Module -> distribution. Single rows need more: they say so and are left out.
PACKAGES = {
    "torch": "torch",
    "numpy": "numpy",
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "platformdirs": "platformdirs",
    "pydantic": "pydantic",
    "rich": "rich",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "tqdm": "tqdm",
}


def lacking() -> list[str]:
    """Return the distributions that are not installed."""
    return [package for module, package in PACKAGES.items() if find_spec(module) is None]

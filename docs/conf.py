"""Sphinx configuration of the manual, `make docs`.

The source folder is the repository's root, so that links between the Markdown files are the same on
the repository's pages and in the built site.
"""

import re
import sys
import tomllib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.inspect import TypeAliasForwardRef

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = "Inpainting suite"
author = "the authors of the inpainting suite"
version = release = PROJECT["version"]

root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "datasets/README.md",
    "methods/architectures/backbones/LICENSES.md",
]
# Folders that are not entered: large ones, and those of users.
exclude_patterns = ["docs/_*", ".*", "build", "results", "studies", "**/__pycache__"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# No MathJax, which would come from another host.
myst_enable_extensions: list[str] = []
myst_heading_anchors = 3
# The notebook has its outputs stored; the tests execute it.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

# Single backticks in docstrings are code, as in Markdown.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_type_aliases = {name: name for name in ("Image", "Mask", "Resolution")}
# Sphinx prints the alias in `Mask | None` by its representation.
TypeAliasForwardRef.__repr__ = lambda alias: alias.name
napoleon_google_docstring = False
# Attributes that are members too would be described twice.
napoleon_use_ivar = True
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"Inpainting suite {release}"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_extra_path = ["_extra"]
html_css_files = ["manual.css"]
html_copy_source = False
# Excerpts would be fetched, which browsers refuse for files.
html_show_search_summary = False
html_show_copyright = False
highlight_language = "text"


def keep_initials(
    app: Sphinx, what: str, name: str, item: object, options: object, lines: list[str]
) -> None:
    """Escape the initial of a reference's first author, which reStructuredText takes for a number
    of a list."""
    lines[:] = [re.sub(r"^(\s*)([A-Z])\. ", r"\1\\\2. ", line) for line in lines]


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", keep_initials)

"""Figures of photographs by several methods, enlarged crops, and the images of the report page."""

# Folder inside a run folder.
FIGURES = "figures"

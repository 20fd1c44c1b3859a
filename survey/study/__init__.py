"""Check and read the files of a study: study.toml, secrets, images, texts of the pages."""

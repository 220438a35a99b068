"""`python -m hotline.cli`."""

from hotline.cli.main import app

app()

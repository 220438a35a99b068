"""The command line: `hotline`. Its own commands start and set up a server; the packages bring the others."""

from hotline.cli.main import app as app

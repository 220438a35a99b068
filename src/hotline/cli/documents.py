"""Commands that print what the program offers: openapi, settings."""

import json

import typer

from hotline.cli.context import read_settings

commands = typer.Typer()


@commands.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from hotline import serving
    from hotline.openapi import openapi_document

    document = openapi_document(serving.build_server_app(read_settings(), with_worker=False))
    print(json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True))


@commands.command("settings")
def list_settings() -> None:
    """List every setting with its meaning."""
    from hotline.settings import Settings

    for name, field in Settings.model_fields.items():
        print(f"HOTLINE_{name.upper():24} {field.description} (default: {field.default})")

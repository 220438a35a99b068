"""Schemas published beside those of FastAPI's routes: events of the stream, webhooks, Open311."""

from typing import Any, Literal

from pydantic import TypeAdapter


def schemas_of(*types: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The JSON Schema of each type as it is rendered, and by name the components these refer to."""
    mode: Literal["serialization"] = "serialization"
    adapters = [(place, mode, TypeAdapter(each)) for place, each in enumerate(types)]
    found, definitions = TypeAdapter.json_schemas(adapters, ref_template="#/components/schemas/{model}")
    return [found[(place, mode)] for place in range(len(types))], definitions.get("$defs", {})

"""Each action's body as JSON Schema, for whoever makes a form of it: the same that OpenAPI says, served with the life
cycle."""

import json
from typing import Any

import pytest

from hotline.organisation.model.directory import ITEM_TYPES
from hotline.organisation.service.directory import item_schema
from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, TICKET_MOVES, action_fields
from hotline.tickets.model.vocabulary import Action
from hotline.tickets.schemas.actions import action_schemas
from tests.conftest import Player
from tests.contract.replies import document

DOCUMENT = document()
PATHS = {
    "ticket": "/v1/tickets/{number}/actions",
    "assignment": "/v1/tickets/{number}/assignments/{assignment}/actions",
}


def bare(part: Any) -> Any:
    """A schema without its definitions and without `default: null`, which the document leaves out; references by the
    name of what they mean."""
    if isinstance(part, list):
        return [bare(one) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return {**part, "$ref": part["$ref"].rsplit("/", 1)[-1]}
    return {key: bare(one) for key, one in part.items() if key != "$defs" and (key, one) != ("default", None)}


@pytest.mark.parametrize("machine", PATHS)
async def test_a_form_is_made_of_what_openapi_says_of_the_body(machine: str, desk: Player) -> None:
    schemas = (await desk.get("/v1/lifecycle")).json()[machine]["schemas"]
    published_at = {path.rsplit("/", 1)[-1] for path in DOCUMENT["paths"] if path.rsplit("/", 1)[0] == PATHS[machine]}
    assert set(schemas) == published_at
    for action, schema in schemas.items():
        body = DOCUMENT["paths"][f"{PATHS[machine]}/{action}"]["post"]["requestBody"]["content"]["application/json"]
        named = DOCUMENT["components"]["schemas"][body["schema"]["$ref"].rsplit("/", 1)[-1]]
        assert bare(schema) == bare(named), action
        for name, definition in schema.get("$defs", {}).items():
            assert bare(definition) == bare(DOCUMENT["components"]["schemas"][name]), (action, name)


async def test_what_a_move_needs_and_takes_is_in_its_schema(desk: Player) -> None:
    said = (await desk.get("/v1/lifecycle")).json()
    for machine, table in (("ticket", TICKET_MOVES), ("assignment", ASSIGNMENT_MOVES)):
        for action, schema in said[machine]["schemas"].items():
            needs, takes = action_fields(table, Action(action))
            assert set(schema["properties"]) >= {*needs, *takes}, action
        for move in said[machine]["moves"]:
            schema = said[machine]["schemas"].get(move["action"])
            assert schema is None or set(move["needs"]) <= set(schema["properties"]), move  # None: nobody sends it


def test_codes_of_the_directory_say_of_which_noun_they_are() -> None:
    found = json.dumps(action_schemas()["ticket"])
    for noun in ("categories", "areas", "departments"):
        assert f'"x-refers": "{noun}"' in found
    assert {
        refers
        for noun in ITEM_TYPES
        for field in item_schema(noun)["properties"].values()
        if (refers := field.get("x-refers"))
    } <= set(ITEM_TYPES)


def test_items_say_how_their_texts_are_written() -> None:
    rosters = item_schema("rosters")
    assert rosters["$defs"]["Shift"]["properties"]["hours"]["examples"] == ["09:00-12:00"]
    assert item_schema("ladders")["properties"]["steps"]["items"]["examples"] == ["80% head yellow"]
    assert item_schema("routes")["properties"]["basis"]["x-multiline"] is True

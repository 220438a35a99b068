"""Schemathesis on every operation of the real app over a real database: no 5xx, no undocumented answer, no broken
promise."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.pytest.plugin import make_constants_value_source
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from hotline.application import build_app
from hotline.composition import assemble_services
from hotline.database.engine_sqlite import Sqlite
from hotline.organisation.model.actors import GRANTABLE_ROLES
from hotline.organisation.service.accounts import keyed_hash
from hotline.organisation.service.password_hashing import PasswordHashing
from hotline.organisation.store import people
from tests.conftest import CHEAP, NOON, SEALING
from tests.contract.replies import document
from tests.sizes import has_turn

KEY = "hl_f0f0f0f0f0f0f0f0_" + "k" * 43  # known before collection: schemathesis asks for it then
# They take more than they promise: no call is refused for the JSON type of a caller's detail. tests/web/test_refusals
# holds what they refuse.
LENIENT = {"take_call", "look_up_caller", "explain_triage"}
TALLY = {"cases": 0}
TEMPLATE: dict[str, Path] = {}


@asynccontextmanager
async def opening() -> Any:
    folder = TEMPLATE["folder"]
    path = folder / "fuzz.db"
    if not path.exists():
        shutil.copy(TEMPLATE["template"], path)
    db = Sqlite(path, sealing=SEALING)
    await db.open()
    services = assemble_services(
        db, lambda: NOON, b"secret of the fuzzed server, long enough", folder / "files", hashing=PasswordHashing(CHEAP)
    )
    deadlines = services.deadlines  # a busy machine is no outage
    deadlines.lookup = deadlines.write = deadlines.push = 60.0
    services.journal.start()
    if await people.load_key(db, KEY.split("_")[1]) is None:
        row = {
            "id": KEY.split("_")[1],
            "name": "fuzz",
            "hash": keyed_hash(services, KEY),
            "roles": sorted(GRANTABLE_ROLES),
            "department": "property-works",
            "area": None,
            "created_at": NOON,
            "created_by": "test",
            "expires_at": None,
            "revoked_at": None,
        }
        await db.transact(lambda c: people.add_key(c, row))
    yield services
    await services.journal.drain()
    await db.close()


EXCLUDED = {"listen", "log_out", "metrics", "revoke_key"}
VERBS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
LABELS = [
    f"{verb.upper()} {path}"
    for path, item in document()["paths"].items()
    for verb, operation in item.items()
    if verb in VERBS and operation["operationId"] not in EXCLUDED
]


class Key:
    def get(self, case: Any, context: Any) -> str:
        return KEY

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@pytest.fixture(scope="module")
def operations(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, APIOperation]]:
    """What is tested, by method and path, over an app of its own."""
    TEMPLATE["template"], TEMPLATE["folder"] = sqlite_template, tmp_path_factory.mktemp("fuzz")

    async def make() -> None:
        async with opening():
            pass

    asyncio.run(make())
    app = build_app(opening)
    load_all_checks()
    schema = schemathesis.openapi.from_dict(deepcopy(document()))
    schema.app = app
    schema.auth()(Key)
    found = [made.ok() for made in schema.exclude(operation_id=[*EXCLUDED]).get_all_operations()]
    with pytest.MonkeyPatch.context() as patch:
        # requests reads all of the environment for each case, to find a proxy on the way to an app in this process
        patch.setattr("requests.sessions.get_environ_proxies", lambda url, no_proxy=None: {})
        yield {operation.label: operation for operation in found}
    print(f"schemathesis: {TALLY['cases']} cases on {len(document()['paths'])} paths")


@pytest.fixture(scope="module")
def feedback(operations: dict[str, APIOperation]) -> FeedbackSources:
    schema = next(iter(operations.values())).schema
    return FeedbackSources(constants_value_source=make_constants_value_source(schema))


def test_every_operation_of_the_app_is_tried(operations: dict[str, APIOperation]) -> None:
    assert sorted(operations) == sorted(LABELS), "run: make openapi"


@settings(
    max_examples=4,  # besides eighty of the coverage phase, where it has its turn
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def keeps_its_promise(case: Any) -> None:
    TALLY["cases"] += 1
    if case.operation.definition.raw.get("operationId") == "read_my_calls" and "wait" in (case.query or {}):
        case.query["wait"] = 0  # it may wait for 25 seconds, and keeps that promise
    # What JSON Schema cannot say (codes of the directory, real phone numbers, versions) is refused with 422, 412 or
    # 428.
    # A missing If-Match is told as 428, which the check of missing headers does not know.
    excluded = [positive_data_acceptance, missing_required_header]
    operation_id = case.operation.definition.raw.get("operationId")
    if operation_id in LENIENT:
        excluded.append(negative_data_rejection)
    if operation_id == "readyz":  # kept apart: to strangers there is nothing, whatever the method
        excluded.append(unsupported_method)
    if operation_id in (
        "begin_one_time_codes",
        "begin_passkey",
        "add_passkey",
    ):  # their paths are also those of a factor's id
        excluded.append(allow_header_conformance)
    if operation_id.startswith("open311_"):  # errors of the standard: 400 for a method too; an id overrides all filters
        excluded += [negative_data_rejection, unsupported_method, allow_header_conformance]
    case.call_and_validate(excluded_checks=excluded)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("label", LABELS)
def test_every_operation_keeps_its_promise(
    label: str, operations: dict[str, APIOperation], feedback: FeedbackSources
) -> None:
    # what `schema.parametrize()` does while it collects, for all operations in every test process: 9 s
    operation = operations[label]
    operation.schema.config.phases.coverage.enabled = has_turn(label, 6)
    build_operation_test(
        config=operation.schema.config,
        operation=operation,
        test_func=keeps_its_promise,
        given_kwargs={},
        feedback=feedback,
    )()

"""A holiday notice is shown before it is imported, and imported only as it was shown."""

import base64
from typing import Any

import pytest

from tests.conftest import Cast, Player

TABLE = "date,name,kind\n2027-01-01,元旦,rest\n2027-01-03,元旦,work\n2026-12-31,元旦,rest\n"
CORRECTED = "date,name,kind\n2026-10-01,国庆节,work\n"


@pytest.fixture
async def boss(cast: Cast) -> Player:
    return await cast("boss")


def notice(text: str, file: str) -> dict[str, Any]:
    return {"file": file, "content": base64.b64encode(text.encode()).decode()}


async def test_what_a_notice_would_change_is_shown_and_written_only_as_it_was_shown(boss: Player, desk: Player) -> None:
    path = "/v1/directory/calendars/cn"
    before = await boss.get(path)
    shown = await boss.post(f"{path}/notices/preview", notice(TABLE, "2027.csv"))
    assert shown.status_code == 200, shown.text
    found = shown.json()
    assert [(d["date"], d["was"], d["becomes"]) for d in found["added"]] == [
        ("2026-12-31", None, False), ("2027-01-01", None, False), ("2027-01-03", None, True),
    ]  # fmt: skip
    assert found["is_partial"] and found["days"] == 3 and not found["removed"]
    assert (await boss.get(path)).json() == before.json()  # nothing is written
    version = shown.headers["etag"]
    written = await boss.http.put(path, json=found["calendar"], headers={"if-match": version})
    assert written.status_code == 200, written.text
    late = await boss.http.put(path, json=found["calendar"] | {"name": "x"}, headers={"if-match": version})
    assert late.status_code == 412  # what is shown is of an older directory

    again = (await boss.post(f"{path}/notices/preview", notice(CORRECTED, "2026.csv"))).json()
    removed = {d["date"] for d in again["removed"]}
    assert len(removed) > 30 and "2026-12-31" not in removed  # the notice of 2027 gave it
    assert [d["date"] for d in again["changed"]] == ["2026-10-01"]
    for text, file, field in (
        ("[1]", "2027.json", "year"), ("hello", "x.csv", "content"), (TABLE.replace("work", "perhaps"), "2027.csv", "row 3"),
    ):  # fmt: skip
        refused = await boss.post(f"{path}/notices/preview", notice(text, file))
        assert refused.status_code == 422 and field in {e["field"] for e in refused.json()["errors"]}
        assert refused.json()["errors"][0]["rule_zh"] != refused.json()["errors"][0]["rule"]
    odd = await boss.post(f"{path}/notices/preview", {"file": "x.json", "content": "*"})
    assert odd.status_code == 422
    assert (await boss.post("/v1/directory/calendars/mars/notices/preview", notice(TABLE, "x.csv"))).status_code == 404
    assert (await desk.post(f"{path}/notices/preview", notice(TABLE, "x.csv"))).status_code == 403

"""For `make test`, as `-p tests.dealing`: the databases take cases in turn. Of stories of many cases, whose differences
end before a database is asked, each case stays on one of them, and each story on both. Of long stories that are about
pages, commands, a model or a calendar, each stays on one. Those of `tests/left_to_whole.py` are not told at all. `make
whole` tells every case of all on both."""

import re
from collections.abc import Iterable
from zlib import crc32

import pytest

from tests.left_to_whole import LEFT_TO_WHOLE

STORIES = (
    "tests/open311", "tests/sms", "tests/telephony", "tests/text", "tests/web/test_anonymous_limit.py",
    "tests/web/test_bodies.py", "tests/web/test_refusals.py",
    "tests/importing/test_importing.py::test_a_row_that_cannot_be_taken",
    "tests/delivery/test_installed_providers.py::test_what_its_file_declares",
)  # fmt: skip
LONG_STORIES = (
    "tests/chaos/test_clocks.py", "tests/chaos/test_georeport.py", "tests/chaos/test_inbound.py",
    "tests/chaos/test_kannel.py", "tests/chaos/test_stream_storm.py", "tests/console",
    "tests/contract/test_foreign_objects.py", "tests/incidents/test_storm.py", "tests/learning", "tests/privacy",
    "tests/public", "tests/reporting", "tests/walks", "tests/web/test_https.py", "tests/operations/test_secret_rotation.py",
    "tests/importing/test_importing.py::test_all_of_a_real_day_of_new_york",
    "tests/sms/test_texting.py", "tests/tickets/test_departures.py", "tests/tickets/test_lookup.py",
    "tests/organisation/test_logging_in.py", "tests/contract/test_memory.py",
    "tests/alerts", "tests/oidc", "tests/open311", "tests/scanning", "tests/sms", "tests/text", "tests/web",
    "tests/importing", "tests/incidents", "tests/telephony", "tests/webhooks",
    "tests/operations/test_account_checks.py", "tests/operations/test_lookup_rotation.py",
    "tests/organisation/test_accounts.py", "tests/organisation/test_duty_routes.py", "tests/organisation/test_second_factors.py",
    "tests/organisation/test_second_step.py", "tests/organisation/test_seeds.py", "tests/organisation/test_succession.py",
    "tests/tickets/test_dispatching.py", "tests/tickets/test_undo_stories.py",
    "tests/tickets/test_address_parts.py", "tests/tickets/test_dangers.py", "tests/tickets/test_told_dangers.py",
    "tests/tickets/test_returned_advice.py",
)  # fmt: skip
# Of those files: what several do at once or again, what a database keeps single, and how many statements it is asked.
ON_BOTH = (
    "tests/alerts/test_push.py::test_a_danger_that_waits_is_told", "tests/alerts/test_push.py::test_the_servers_key_is",
    "tests/incidents/test_ends.py::test_each_change_is_noted", "tests/incidents/test_many.py",
    "tests/incidents/test_stories.py::test_an_action_needs", "tests/oidc/test_log_in.py::test_a_log_in_is_finished",
    "tests/open311/test_open311.py::test_case_19_", "tests/organisation/test_accounts.py::test_adding_a_person_twice",
    "tests/organisation/test_accounts.py::test_two_administrators_who", "tests/organisation/test_second_step.py::test_two_who",
    "tests/sms/test_texting.py::test_a_crash_between", "tests/sms/test_texting.py::test_something_odd_is",
    "tests/telephony/test_calls.py::test_any_order_and", "tests/telephony/test_calls.py::test_many_calls_at_once",
    "tests/telephony/test_calls.py::test_two_calls_may", "tests/telephony/test_ringing.py::test_the_call_that_waits_longest",
    "tests/tickets/test_dispatching.py::test_many_are", "tests/tickets/test_undo_stories.py::test_messages_held_back",
    "tests/webhooks/test_subscriptions.py::test_an_event_is_spread_once",
)  # fmt: skip
DATABASES = ("sqlite", "postgres")
MANY = 4  # and more


def left_out(told: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """Of (story, case, database): what is not told where the databases take turns. A long story of less than MANY cases
    is told on one database, by its name; so is any other story on both."""
    stories: dict[str, dict[str, set[str]]] = {}
    for story, case, database in told:
        stories.setdefault(story, {}).setdefault(case, set()).add(database)
    left = set()
    for story, cases in stories.items():
        on_both = [case for case, databases in cases.items() if len(databases) == len(DATABASES)]
        # mixed, and the same each time: by their names one database would take all forms, the other all JSON
        on_both.sort(key=lambda case: (crc32(case.encode("utf-8", "surrogatepass")), case))
        if len(on_both) >= MANY or story.startswith(LONG_STORIES):
            first = crc32(story.encode()) if len(on_both) < MANY else 0
            left |= {(story, case, DATABASES[(first + n) % 2]) for n, case in enumerate(on_both)}
    return left


def is_left_to_whole(case: str) -> bool:
    """Whether a case, by its full name, is one of a story that `make whole` alone tells, or such a case itself."""
    return case in LEFT_TO_WHOLE or case.partition("[")[0] in LEFT_TO_WHOLE


def lost(told: Iterable[str], kept: Iterable[str]) -> list[str]:
    """The stories of which no case is kept, though nobody said so."""
    stories = {case.partition("[")[0] for case in kept}
    return sorted({case.partition("[")[0] for case in told if not is_left_to_whole(case)} - stories)


def _told(item: pytest.Item) -> tuple[str, str, str] | None:
    """The story, the case and the database of a test; None: it has no database, or takes no turns."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    database = next((value for value in params.values() if value in DATABASES), "")  # of `db`, or of a real server
    dealt = item.nodeid.startswith(STORIES + LONG_STORIES) and not item.nodeid.startswith(ON_BOTH)
    if database not in DATABASES or not dealt:
        return None
    story, _, case = item.nodeid.partition("[")
    return story, re.sub(rf"(^|-){database}(-|]$)", r"\1\2", case, count=1), database


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    short = [item for item in items if not is_left_to_whole(item.nodeid)]
    told = {item: found for item in short if (found := _told(item))}
    left = left_out(told.values())
    kept = [item for item in short if told.get(item) not in left]
    if vanished := lost([item.nodeid for item in items], [item.nodeid for item in kept]):
        raise pytest.UsageError(f"told on no database: {', '.join(vanished)}")
    config.hook.pytest_deselected(items=[*set(items).difference(kept)])
    items[:] = kept

"""What `make test` leaves out of the stories of many cases."""

from itertools import product

from tests.dealing import DATABASES, LONG_STORIES, MANY, left_out


def test_of_many_cases_each_is_told_on_one_database_and_the_story_on_both() -> None:
    told = set(product(["many"], "abcde", DATABASES))
    kept = told - left_out(told)
    assert sorted(case for _, case, _ in kept) == [*"abcde"]
    assert {database for *_, database in kept} == {*DATABASES}


def test_few_cases_and_cases_of_one_database_are_all_told() -> None:
    assert left_out(product(["few"], "abcde"[: MANY - 1], DATABASES)) == set()
    assert left_out(product(["on one database"], "abcde"[:MANY], DATABASES[:1])) == set()


def test_each_long_story_is_told_on_one_database_and_all_of_them_on_both() -> None:
    told = set(product([f"{LONG_STORIES[0]}::test_{n}" for n in range(40)], ["case"], DATABASES))
    kept = told - left_out(told)
    assert len({story for story, *_ in kept}) == len(kept) == 40
    assert {database for *_, database in kept} == {*DATABASES}

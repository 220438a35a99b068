"""A seed that is loaded again after an upgrade."""

import json
from pathlib import Path

import pytest

from hotline.operations.doctor import run_checks
from hotline.organisation.model.actors import CLOCK
from hotline.organisation.service.directory import change, parse_item
from hotline.organisation.service.seeding import seed_directory
from hotline.packaged_files import packaged_folder
from hotline.refusals import Refused
from hotline.tickets.context import Services
from tests.conftest import Clock, Player

SEEDS = packaged_folder("seeds")


def words(code: str, *said: str) -> tuple[str, str, object]:
    return "words", code, parse_item("words", {"code": code, "danger": "fire", "words": list(said)})


async def test_a_directory_from_before_the_frames_is_warned_of_and_brought_up_to_date(
    services: Services, clock: Clock, desk: Player
) -> None:
    """Its single danger words, which took a fire drill for a fire, go; what the office added itself stays."""
    before = await services.directory.now(clock.now)
    nouns = ("danger_frames", "symptoms", "hazards", "word_lists", "incident_rules")
    frames = [(noun, code, None) for noun in nouns for code in before.noun(noun)]
    own = words("our-own", "乌烟瘴气冒火舌")
    await change(services.directory, [*frames, words("danger-fire", "着火", "fire"), own], CLOCK, clock.now)
    assert (await desk.call("the paint on the fire door is peeling"))["priority"] == "emergency"
    assert "hotline seed basis" in next(f.says for f in await run_checks(services, clock.now) if f.check == "directory")
    after = await seed_directory(services.directory, SEEDS / "basis", SEEDS, CLOCK, clock.now)
    assert "danger-fire" not in after.words and "our-own" in after.words and after.danger_frames
    assert (await desk.call("the paint on the fire door is peeling"))["priority"] != "emergency"
    assert (await desk.call("楼下乌烟瘴气冒火舌"))["priority"] == "emergency"


@pytest.mark.parametrize(
    "about", [{"retires": ["danger-fire"]}, {"retires": {"wards": ["x"]}}, {"retires": {"words": "x"}}, ["basis"]]
)
async def test_a_seed_that_says_wrongly_what_it_retires_is_refused_whole(
    about: object, services: Services, clock: Clock, tmp_path: Path
) -> None:
    before = await services.directory.now(clock.now)
    (tmp_path / "seed.json").write_text(json.dumps(about))
    (tmp_path / "words.json").write_text('[{"code": "x", "danger": "fire", "words": ["x"]}]')
    with pytest.raises(Refused, match=r"seed\.json"):
        await seed_directory(services.directory, tmp_path, SEEDS, CLOCK, clock.now)
    assert (await services.directory.now(clock.now)).version == before.version

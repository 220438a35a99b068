"""One narrative of several matters is parted into them, in English as in Chinese."""

from dataclasses import replace

import pytest

from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.triage.model.splitting import MOST_MATTERS
from tests.triage.seeded import seeded_directory, seeded_lexicon

LEXICON = seeded_lexicon("ruiquan")
TWO_MATTERS = (
    "The lift in building 3 is out of order. The bins downstairs have not been emptied for four days.",
    "The street light outside block 5 is off and also the drain is blocked.",
    "My neighbour plays loud music every night, and the bins are overflowing.",
    "There is a big pothole at the gate. Besides, somebody parks in front of my garage every morning.",
    "No water since this morning in building 7. By the way, the stair lamp is broken as well.",
    "Rubbish is piled up at the gate and the entry gate does not open.",
    "The roof leaks when it rains and my bike was stolen last night.",
    "Mosquitoes everywhere this summer. Another thing: the swing in the playground is broken.",
    "The power is out in the whole building, plus the barrier won't lift.",
    "Dog droppings all over the lawn; the street light is out too.",
    "Square dancing is too loud in the evening. In addition the branches need trimming, they touch my window.",
    "The fire lane is blocked by vans and sewage is overflowing behind the building.",
    "I want to book the badminton court, and I would also like to complain that the lift is broken again",
    "How much is the management fee? Also the stair light on the 4th floor is out.",
    "The flat upstairs is dripping into our hall. Separately, junk in the corridor blocks my door.",
    "water pressure is low on the sixth floor and the charger is out of order",
    "Hello, two things: a tree fell across the path. The other thing is that the garbage stinks.",
    "Illegally parked cars block our gate. On top of that neighbours upstairs are noisy at night.",
    "There is a hole in the road near the school, and secondly bottles are thrown from the upstairs window.",
    "Drilling next door on Sunday, so noisy. One more thing, the lawn is dead.",
    "Good morning. Our elevator keeps stopping, and there is garbage all over the staircase.",
    "I have two complaints. First the lamp on the stairs is broken, second the neighbours make noise until 2 am.",
    "The water is off in building 9 and the electricity has been out too since noon.",
    "Someone stole my bicycle yesterday. Also the entrance gate is broken so anybody can walk in.",
    "The sewer smells awful; besides that cars are parked illegally on the sidewalk.",
    "Rats in the basement, plus the roof is leaking.",
    "There's no gas today. And another thing, the playground slide is broken.",
    "The road is full of holes and the street lamps do not work.",
    "Water leaks from the flat above me and the lift does not come.",
    "The parking barrier is stuck. Meanwhile renovation upstairs goes on at midnight.",
    "A stray dog barks all night, and the stairwell is full of clutter.",
)
ONE_MATTER = (
    "The lift shakes and makes a noise, and my mother is afraid of it.",
    "The bins have not been emptied since Monday and it stinks so badly that we keep the windows shut.",
    "No water since this morning. We cannot cook and we cannot wash. Nobody answers at the office.",
    "The street light is off. It has been off for a week, and the path is pitch dark at night.",
    "My bike was stolen last night. It was locked, and the camera was pointing the other way.",
    "The neighbours upstairs are noisy at night, they shout and jump and drop things on the floor.",
    "There is a big pothole at the gate, and cars swerve around it. A child fell off a scooter there.",
    "The roof leaks when it rains and the ceiling is wet. We have put buckets under it.",
    "Somebody parks in front of my gate every morning and I cannot get out. I have left notes.",
    "The drain in our yard is blocked and dirty water comes up. Also it smells.",
    "The power went off twice last night. The fridge is warm and the food is spoiled.",
    "Dog droppings all over the lawn. The owners do not clean up, and nobody fines them.",
    "The charger is out of order. I paid, and it did not start. I want my money back.",
    "Branches need trimming, they reach our balcony and take all the light.",
    "The entry gate does not open with my card. I tried three times and had to climb.",
    "Square dancing is too loud. Every evening, two hours, and the baby cannot sleep.",
    "Junk in the corridor again: a sofa, boxes and an old wardrobe. We squeeze past it.",
    "How do I sign up for the choir, and when does it meet?",
    "Water pressure is low on the sixth floor, in the kitchen and in the bath.",
    "Thanks to the guard for helping my mother, and please pass it on to his boss.",
    "The elevator stopped on the third floor and the doors would not open, we had to walk up.",
    "Water is leaking from upstairs into my bathroom and the paint is coming off the wall.",
    "The garbage truck comes at four in the morning and then leaves half of the bags.",
    "The street lamp at the corner flickers and then goes out, and it has done so for months.",
    "There is a burst pipe in the basement and water is everywhere, please send somebody.",
    "I cannot pay the management fee online and the office is closed when I come home.",
    "The neighbour is renovating, drilling and hammering all Sunday, it is very noisy.",
    "My car was scratched in the parking lot and nobody at the gate saw anything.",
    "The tree in front of my window is dead and may fall on the path.",
    "The toilet backs up and the bathroom floor is flooded, also in the flat below.",
    "The guard at the gate is rude and will not let the courier in.",
    "We have had no electricity since nine, the food in the fridge is going bad and the children are cold.",
)


@pytest.mark.parametrize("text", TWO_MATTERS)
def test_two_matters_of_an_english_narrative_are_offered_apart(text: str) -> None:
    parts = advise(LEXICON, text).matters
    assert len(parts) == 2 and "".join(part.text for part in parts) == text
    assert len({part.category for part in parts}) == 2 and all(len(part.text.split()) > 1 for part in parts)


@pytest.mark.parametrize("text", ONE_MATTER)
def test_one_matter_of_an_english_narrative_stays_whole(text: str) -> None:
    assert advise(LEXICON, text).matters == ()


def test_the_connective_stands_with_the_matter_it_begins() -> None:
    parts = advise(LEXICON, "Rubbish is piled up at the gate and the entry gate does not open. It is a shame").matters
    assert [(part.text, part.symptom) for part in parts] == [
        ("Rubbish is piled up at the gate ", "rubbish"),
        ("and the entry gate does not open. It is a shame", "gate-broken"),
    ]


def test_chinese_without_marks_is_parted_at_its_connectives() -> None:
    parts = advise(LEXICON, "9栋楼道的路灯坏了另外楼下的垃圾三天没人收").matters
    assert [part.text for part in parts] == ["9栋楼道的路灯坏了", "另外楼下的垃圾三天没人收"]


def test_what_a_connective_joins_within_one_matter_stays_whole() -> None:
    """Behind it nothing is said whole: the second half only goes on with the first."""
    assert advise(LEXICON, "the noise and dust of the drilling next door on sunday").matters == ()


def test_a_traditional_narrative_is_parted_at_its_marks() -> None:
    text = "樓道的路燈壞了，還有樓下的垃圾三天沒人收。"
    assert "".join(part.text for part in advise(LEXICON, text).matters) == text


def test_a_directory_without_connectives_parts_at_marks() -> None:
    directory = seeded_directory("ruiquan")
    lists = {code: item for code, item in directory.word_lists.items() if code not in ("next-matter", "joint")}
    plain = build_lexicon(replace(directory, word_lists=lists))
    assert len(advise(plain, "The street light is off. The bins are overflowing.").matters) == 2
    assert advise(plain, "The street light is off and the bins are overflowing.").matters == ()


def test_there_is_an_end_to_parts() -> None:
    text = "灯坏了。垃圾没人收。电梯坏了。停水了。停电了。楼上漏水。老鼠到处跑。" * 50
    assert len(advise(LEXICON, text).matters) == MOST_MATTERS

"""Mutants that are written out by hand can still be made of the source, and their tests are there."""

from tools.mutants import faults, hand_written


def test_every_hand_written_mutant_can_be_made() -> None:
    """The others are found in the source; these rot when it is changed, and then say nothing for good."""
    made = list(hand_written())
    assert {mutant.kind for mutant in made} == {"escape", "commit", "sent", "unique", "status"}
    assert {mutant.name: said for mutant in made if (said := faults(mutant))} == {}

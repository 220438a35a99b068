"""What an operator does about each danger while the caller is on the line: a sentence to say at once, the questions to
ask, and whom the caller is told to call. The words stand in the catalogues: `danger_say.<danger>` and
`danger_ask.<danger>.<n>`."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from hotline.organisation.model.vocabulary import Danger


class EmergencyService(StrEnum):
    """Whom a caller in danger is told to call: by its number in mainland China, or by what it is where each town has
    its own."""

    FIRE = "119"
    AMBULANCE = "120"
    POLICE = "110"
    TRAFFIC_POLICE = "122"
    POWER = "95598"
    HELPLINE = "12356"
    GAS = "gas"


S, D = EmergencyService, Danger
# The first is called in any case, the others where somebody is hurt, caught or threatened. After what the services
# answer for by law and by their own charters; GAS is left to the directory: no number of it holds everywhere.
SERVICES: Mapping[Danger, tuple[EmergencyService, ...]] = {
    D.FIRE: (S.FIRE, S.AMBULANCE),
    D.GAS: (S.FIRE, S.GAS, S.AMBULANCE),
    D.ELECTRIC: (S.AMBULANCE, S.FIRE, S.POWER),
    D.LIFT: (S.FIRE, S.AMBULANCE),
    D.MEDICAL: (S.AMBULANCE,),
    D.VIOLENCE: (S.POLICE, S.AMBULANCE),
    D.MISSING: (S.POLICE,),
    D.SELF_HARM: (S.POLICE, S.FIRE, S.AMBULANCE, S.HELPLINE),
    D.COLLAPSE: (S.FIRE, S.AMBULANCE),
    D.CHEMICAL: (S.FIRE, S.AMBULANCE),
    D.WATER: (S.FIRE, S.POLICE, S.AMBULANCE),
    D.TRAFFIC: (S.TRAFFIC_POLICE, S.AMBULANCE, S.FIRE),
    D.UNREST: (S.POLICE,),
}
# In which order several dangers of one matter are named and acted on: what threatens everybody who is there before what
# has happened to somebody, so that nobody is sent to the ill, or told not to move them, without hearing of the fire.
NAMING_ORDER = (
    D.FIRE, D.GAS, D.CHEMICAL, D.ELECTRIC, D.COLLAPSE, D.WATER, D.VIOLENCE, D.TRAFFIC, D.UNREST, D.LIFT, D.SELF_HARM,
    D.MISSING, D.MEDICAL,
)  # fmt: skip
# where an emergency names no danger
DEFAULT_SERVICES = (S.POLICE, S.FIRE, S.AMBULANCE)
# of the town's own services: the danger whose matters they are sent
DANGER_OF_SERVICE: Mapping[EmergencyService, Danger] = {S.GAS: D.GAS}


def in_naming_order(dangers: Iterable[str]) -> tuple[Danger, ...]:
    """Those of these words that are dangers, each once, in the order in which they are named."""
    told = frozenset(dangers)
    return tuple(danger for danger in NAMING_ORDER if danger in told)


def services_of(dangers: Iterable[str]) -> tuple[EmergencyService, ...]:
    """Whom somebody in these dangers calls, each once: the first of each danger before those where somebody is hurt,
    caught or threatened."""
    called = [SERVICES[Danger(danger)] for danger in dangers]
    firsts = [services[0] for services in called]
    return tuple(dict.fromkeys((*firsts, *(service for services in called for service in services))))

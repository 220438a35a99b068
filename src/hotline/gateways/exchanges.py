"""Which file reads which exchange."""

from collections.abc import Mapping

from hotline.domain.vocabulary import Provider

from .asterisk import Asterisk
from .cti import Cti
from .freeswitch import FreeSwitch
from .threecx import ThreeCx
from .twilio_voice import TwilioVoice
from .voice import Exchange

EXCHANGES: Mapping[Provider, type[Exchange]] = {
    Provider.CTI: Cti,
    Provider.ASTERISK: Asterisk,
    Provider.FREESWITCH: FreeSwitch,
    Provider.THREECX: ThreeCx,
    Provider.TWILIO_VOICE: TwilioVoice,
}

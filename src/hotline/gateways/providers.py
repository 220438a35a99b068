"""Which file speaks with which provider."""

from collections.abc import Mapping

from hotline.domain.vocabulary import GatewayKind
from hotline.domain.vocabulary import Provider as P

from .aliyun import Aliyun
from .aws import Aws
from .generic import Generic
from .huawei import Huawei
from .infobip import Infobip
from .kannel import Kannel
from .sms import Provider
from .tencent import Tencent
from .twilio import Twilio
from .vonage import Vonage

SMS: Mapping[P, type[Provider]] = {
    P.KANNEL: Kannel,
    P.TWILIO: Twilio,
    P.VONAGE: Vonage,
    P.ALIYUN: Aliyun,
    P.TENCENT: Tencent,
    P.HUAWEI: Huawei,
    P.INFOBIP: Infobip,
    P.AWS: Aws,
    P.GENERIC: Generic,
}
_VOICE = frozenset({P.CTI, P.ASTERISK, P.FREESWITCH, P.THREECX, P.TWILIO_VOICE})


def kind_of(provider: P) -> GatewayKind:
    if provider in SMS:
        return GatewayKind.SMS
    return GatewayKind.VOICE if provider in _VOICE else GatewayKind.ORDERS

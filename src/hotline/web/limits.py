"""Rate limits for requests without a credential."""

from datetime import datetime

from hotline.web.addresses import rate_limit_key

_MOST_NETWORKS = 100_000  # remembered within a minute
_MINUTE = 60


class AddressBudget:
    """How often each address has asked within the minute, in this process. An IPv6 customer has a whole /64."""

    def __init__(self) -> None:
        self._minute = -1
        self._spent: dict[str, int] = {}

    def spend(self, address: str | None, most: int, now: datetime) -> int:
        """Count one more question. 0: it is among the first `most` of the minute; else the seconds to wait."""
        minute, second = divmod(int(now.timestamp()), _MINUTE)
        if minute != self._minute or len(self._spent) > _MOST_NETWORKS:
            self._minute, self._spent = minute, {}
        network = rate_limit_key(address)
        spent = self._spent.get(network, 0)
        if spent >= most:
            return _MINUTE - second
        self._spent[network] = spent + 1
        return 0

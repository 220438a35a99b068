"""WeCom (企业微信): a robot of a group, addressed by the key in its URL.

https://developer.work.weixin.qq.com/document/path/91770: 20 messages a minute; 45009 beyond it.
"""

from datetime import datetime

from hotline.alerts.robot_contract import URL, RobotProvider, RobotRequest, RobotSettings
from hotline.delivery.account import Account


def _request(account: Account, text: str, now: datetime) -> RobotRequest:
    return RobotRequest(account.newest("url"), {"msgtype": "text", "text": {"content": text}})


PROVIDER = RobotProvider(
    name="wecom", about="WeCom group robot", settings=RobotSettings, secrets=(URL,), request=_request,
    busy=frozenset({45009, 45033}),
)  # fmt: skip

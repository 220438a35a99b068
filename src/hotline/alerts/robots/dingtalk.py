"""DingTalk (钉钉): a custom robot of a group, with or without a signing secret.

https://open.dingtalk.com/document/robots/custom-robot-access: the signature is the HMAC-SHA256 of the time in
milliseconds, a line break and the secret, under the secret; 20 messages a minute, 130101 or 410100 beyond it; 310000:
signature, keyword or address not as set.
"""

import base64
import hashlib
import hmac
from datetime import datetime

import httpx

from hotline.alerts.robot_contract import SIGNING, URL, RobotProvider, RobotRequest, RobotSettings
from hotline.delivery.account import Account


def _request(account: Account, text: str, now: datetime) -> RobotRequest:
    url = httpx.URL(account.newest("url"))
    if account.secret_values("signing"):
        secret, stamp = account.newest("signing"), str(int(now.timestamp() * 1000))
        digest = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
        url = url.copy_merge_params({"timestamp": stamp, "sign": base64.b64encode(digest).decode()})
    return RobotRequest(str(url), {"msgtype": "text", "text": {"content": text}})


PROVIDER = RobotProvider(
    name="dingtalk", about="DingTalk custom robot", settings=RobotSettings, secrets=(URL, SIGNING), request=_request,
    busy=frozenset({130101, 410100}),
)  # fmt: skip

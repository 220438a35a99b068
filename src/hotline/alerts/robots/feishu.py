"""Feishu (飞书, Lark): a custom robot of a group, with or without a signing secret.

https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: the signature is the HMAC-SHA256 of nothing, under
the time in seconds, a line break and the secret; 11232 and 9499 mean too often, 19021 a wrong signature, 19024 a
missing keyword.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Any

from hotline.alerts.robot_contract import SIGNING, URL, RobotProvider, RobotRequest, RobotSettings
from hotline.delivery.account import Account


def _request(account: Account, text: str, now: datetime) -> RobotRequest:
    body: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
    if account.secret_values("signing"):
        stamp = str(int(now.timestamp()))
        digest = hmac.digest(f"{stamp}\n{account.newest('signing')}".encode(), b"", hashlib.sha256)
        body = {"timestamp": stamp, "sign": base64.b64encode(digest).decode(), **body}
    return RobotRequest(account.newest("url"), body)


PROVIDER = RobotProvider(
    name="feishu", about="Feishu custom robot", settings=RobotSettings, secrets=(URL, SIGNING), request=_request,
    busy=frozenset({9499, 11232}),
)  # fmt: skip

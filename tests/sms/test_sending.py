"""Each provider is handed a text as its documentation asks, signed as its own published examples are; and whatever it answers
means later, never, or done. Reconciling asks the three that can be asked."""

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

import httpx
import pytest
from fastapi import FastAPI

from hotline.delivery.account import Account
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.inbound.processing import process_due
from hotline.inbound.webhook_request import WebhookRequest
from hotline.sms.backfill import backfill
from hotline.sms.contract import OutgoingText, sms_provider
from hotline.sms.model.status import TextStatus
from hotline.sms.providers.aliyun import rpc_signature
from hotline.sms.providers.aws import AwsKey, CanonicalRequest, sigv4
from hotline.sms.providers.huawei import sdk_signature
from hotline.sms.providers.kannel import conf_errors
from hotline.sms.providers.tencent import tc3_authorization
from hotline.sms.providers.vonage import signature_of
from hotline.tickets.context import Services
from tests.conftest import Clock, Player

AT = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
PUBLIC = "https://hotline.example.org"
TEXT = OutgoingText(
    "100000006.1.0", "+8613800138000", "【热线】路灯已修好", "solved", {"number": "100000006", "code": "123456"}, AT
)
ACCOUNTS: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "kannel": (
        {"url": "http://kannel.internal/cgi-bin/sendsms", "user": "hotline", "sender": "12345"},
        {"token": ["a-token-kannel-has"], "password": ["pw"]},
    ),
    "twilio": ({"account_sid": "AC1", "sender": "+862812345"}, {"auth_token": ["old", "new"]}),
    "vonage": ({"api_key": "k", "sender": "hotline"}, {"signature_secret": ["s"], "api_secret": ["sec"]}),
    "aliyun": (
        {"access_key_id": "id", "sign_name": "热线", "templates": {"solved": "SMS_1"}},
        {"token": ["a-token-aliyun-has"], "access_key_secret": ["secret"]},
    ),
    "tencent": (
        {"secret_id": "id", "sdk_app_id": "14", "sign_name": "热线", "templates": {"solved": {"id": "9", "values": ["code", "number"]}}},
        {"token": ["a-token-tencent-has"], "secret_key": ["secret"]},
    ),
    "huawei": (
        {"api": "https://smsapi.example", "sender": "8823", "templates": {"solved": "T1"}},
        {"token": ["a-token-huawei-has"], "app_key": ["ak"], "app_secret": ["as"]},
    ),
    "infobip": ({"api": "https://x.api.infobip.com", "sender": "12345"}, {"user": ["u"], "password": ["p"], "api_key": ["key"]}),
    "aws": ({"topics": ["t"], "region": "eu-west-1", "access_key_id": "AKID"}, {"secret_access_key": ["secret"]}),
    "generic": ({"url": "https://far.example/send", "sender": "12345"}, {"secret": ["whsec_" + "QUJD" * 11]}),
}  # fmt: skip
GOOD: dict[str, tuple[int, bytes, str | None]] = {
    "kannel": (202, b"0: Accepted for delivery", None),
    "twilio": (201, b'{"sid":"SM1","status":"queued"}', "SM1"),
    "vonage": (200, b'{"messages":[{"status":"0","message-id":"v1"},{"status":"0","message-id":"v2"}]}', "v1"),
    "aliyun": (200, b'{"Code":"OK","BizId":"b1"}', "b1"),
    "tencent": (200, b'{"Response":{"SendStatusSet":[{"Code":"Ok","SerialNo":"t1"}],"RequestId":"r"}}', "t1"),
    "huawei": (200, b'{"code":"000000","result":[{"smsMsgId":"h1","status":"000000"}]}', "h1"),
    "infobip": (200, b'{"messages":[{"messageId":"i1","status":{"groupName":"PENDING"}}]}', "i1"),
    "aws": (
        200,
        b"<PublishResponse xmlns='u'><PublishResult><MessageId>a1</MessageId></PublishResult></PublishResponse>",
        "a1",
    ),
    "generic": (200, b'{"id":"g1"}', "g1"),
}
NEVER: dict[str, tuple[int, bytes]] = {
    "kannel": (403, b"Authorization failed for sendsms"),
    "twilio": (400, b'{"code":21211,"message":"invalid"}'),
    "vonage": (200, b'{"messages":[{"status":"7","error-text":"barred"}]}'),
    "aliyun": (200, b'{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}'),
    "tencent": (200, b'{"Response":{"SendStatusSet":[{"Code":"FailedOperation.PhoneNumberInBlacklist"}]}}'),
    "huawei": (400, b'{"code":"E200030"}'),
    "infobip": (200, b'{"messages":[{"status":{"groupName":"REJECTED","name":"REJECTED_PREFIX"}}]}'),
    "aws": (400, b"<ErrorResponse><Error><Code>InvalidParameter</Code></Error></ErrorResponse>"),
    "generic": (400, b"{}"),
}
LATER: dict[str, tuple[int, bytes]] = {
    "kannel": (503, b"Temporal failure, try again later."),
    "twilio": (429, b'{"code":20429}'),
    "vonage": (200, b'{"messages":[{"status":"1","error-text":"throttled"}]}'),
    "aliyun": (200, b'{"Code":"isv.BUSINESS_LIMIT_CONTROL"}'),
    "tencent": (200, b'{"Response":{"Error":{"Code":"InternalError.Timeout"}}}'),
    "huawei": (503, b"{}"),
    "infobip": (500, b"{}"),
    "aws": (400, b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"),
    "generic": (502, b""),
}


def adapter(name: str) -> Any:
    settings, secrets = ACCOUNTS[name]
    return sms_provider(name).adapter(Account(name, settings, secrets, PUBLIC))


async def sent(name: str, answer: Callable[[httpx.Request], httpx.Response]) -> tuple[Any, httpx.Request]:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        try:
            return await adapter(name).send(client, TEXT), seen[0]
        except (GatewayDown, GatewayRefused) as fault:
            return fault, seen[0]


async def asked_of(name: str, account: Account, text: OutgoingText) -> str:
    """What a provider is sent of a text."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(500)

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
        with contextlib.suppress(GatewayDown, GatewayRefused):
            await sms_provider(name).adapter(account).send(client, text)
    return seen[0].content.decode()


def said(status: int, body: bytes) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, content=body)


@pytest.mark.parametrize("name", sorted(ACCOUNTS))
async def test_a_text_that_is_taken_has_the_providers_own_id(name: str) -> None:
    status, body, provider_id = GOOD[name]
    handed, request = await sent(name, said(status, body))
    assert handed.provider_id == provider_id, handed
    assert handed.status in (TextStatus.SENT, TextStatus.BUFFERED)
    everything = (str(request.url) + request.content.decode("utf-8", "replace")).replace("%2F", "/")
    if name != "aws":  # our reference goes along, so that a report finds its text
        assert "100000006.1.0" in everything


@pytest.mark.parametrize("name", sorted(ACCOUNTS))
async def test_a_refusal_is_never_tried_there_again(name: str) -> None:
    fault, _ = await sent(name, said(*NEVER[name]))
    assert isinstance(fault, GatewayRefused), fault
    assert "13800138000" not in str(fault)


@pytest.mark.parametrize("name", sorted(ACCOUNTS))
async def test_what_may_pass_is_tried_later(name: str) -> None:
    assert isinstance((await sent(name, said(*LATER[name])))[0], GatewayDown)


# a reader of XML that resolves entities would send us a file's text, or grow beyond memory
EXTERNAL = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><r><MessageId>&e;</MessageId></r>'
LAUGHING = b"<!DOCTYPE x [<!ENTITY a0 'ha'>%s]><r><MessageId>&a40;</MessageId></r>" % b"".join(
    b"<!ENTITY a%d '&a%d;&a%d;'>" % (n + 1, n, n) for n in range(40)
)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>oops</html>", b"[]", b"null", b'"x"', b"\xff\xfe\x00", b"{}", b'{"messages":5}', EXTERNAL, LAUGHING],
)
@pytest.mark.parametrize("name", sorted(ACCOUNTS))
async def test_garbage_from_a_provider_is_no_success_and_no_crash(name: str, body: bytes) -> None:
    fault, _ = await sent(name, said(200, body))
    if name == "generic" and body in (b"", b"{}", b'{"messages":5}'):
        assert fault.provider_id is None  # it took it and gave no id
    else:
        assert isinstance(fault, GatewayDown | GatewayRefused), (name, body, fault)
    broken, _ = await sent(name, lambda r: (_ for _ in ()).throw(httpx.ReadTimeout("slow")))
    assert isinstance(broken, GatewayDown)
    moved, _ = await sent(name, lambda r: httpx.Response(302, headers={"location": "http://127.0.0.1/"}))
    assert isinstance(moved, GatewayRefused | GatewayDown)


async def test_kannel_is_asked_in_utf8_for_the_final_reports() -> None:
    _, request = await sent("kannel", said(202, b"3: Queued for later delivery"))
    asked = dict(parse_qsl(str(request.url.query, "ascii")))
    assert (asked["coding"], asked["charset"], asked["dlr-mask"], asked["text"]) == ("2", "UTF-8", "19", TEXT.body)
    assert asked["dlr-url"] == (
        f"{PUBLIC}/v1/hooks/sms/kannel/status?token=a-token-kannel-has&my=100000006.1.0&type=%d&fid=%F&smsc=%i&answer=%A"
    )


async def test_twilio_uses_the_newest_secret_and_calls_back_with_our_reference() -> None:
    _, request = await sent("twilio", said(*GOOD["twilio"][:2]))
    assert base64.b64decode(request.headers["authorization"].split()[1]) == b"AC1:new"
    form = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
    assert (
        form["StatusCallback"] == f"{PUBLIC}/v1/hooks/sms/twilio/status?my=100000006.1.0"
        and form["To"] == "+8613800138000"
    )


async def test_the_clouds_get_their_template_and_our_values_and_a_notice_without_one_is_refused() -> None:
    _, ali = await sent("aliyun", said(*GOOD["aliyun"][:2]))
    form = {k: v[0] for k, v in parse_qs(ali.content.decode()).items()}
    assert form["TemplateCode"] == "SMS_1" and json.loads(form["TemplateParam"]) == dict(TEXT.values)
    signature = form.pop("Signature")
    assert signature == rpc_signature("POST", form, "secret")
    _, ten = await sent("tencent", said(*GOOD["tencent"][:2]))
    assert json.loads(ten.content)["TemplateParamSet"] == ["123456", "100000006"]  # in the order its template has
    _, hua = await sent("huawei", said(*GOOD["huawei"][:2]))
    wsse = hua.headers["x-wsse"]
    nonce, created, digest = (re.search(rf'{n}="([^"]+)"', wsse) for n in ("Nonce", "Created", "PasswordDigest"))
    assert nonce and created and digest
    assert base64.b64decode(digest[1]).decode() == hashlib.sha256(f"{nonce[1]}{created[1]}as".encode()).hexdigest()
    emergency = {"number": "100000006", "numbers": "119/120", "do": "不要扒门，靠墙站稳。" * 4}
    alarm = dataclasses.replace(TEXT, template="emergency", values=emergency)
    for name in ("aliyun", "tencent", "huawei"):
        settings, secrets = ACCOUNTS[name]
        registered = {**settings, "templates": {"emergency": "E1"}}
        asked = await asked_of(name, Account(name, registered, secrets, PUBLIC), alarm)
        assert "100000006" in asked and "119" not in asked and "扒" not in unquote(asked), name
        bare = sms_provider(name).adapter(Account(name, {**settings, "templates": {}}, secrets, PUBLIC))
        async with httpx.AsyncClient(transport=httpx.MockTransport(said(200, b"{}"))) as client:
            with pytest.raises(GatewayRefused, match="no template is set for solved"):
                await bare.send(client, TEXT)


def test_alibabas_published_example_is_signed_as_published() -> None:
    asked = {
        "AccessKeyId": "testid", "Action": "DescribeRegions", "Format": "XML", "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z", "Version": "2014-05-26",
    }  # fmt: skip
    assert rpc_signature("GET", asked, "testsecret") == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


def test_tencents_published_example_is_signed_as_published() -> None:
    body = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    told = tc3_authorization(
        "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", "cvm", "cvm.tencentcloudapi.com", body,
        datetime.fromtimestamp(1551113065, UTC),
    )  # fmt: skip
    assert told.endswith("Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168")


def test_amazons_published_example_is_signed_as_published() -> None:
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": "iam.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
    }  # fmt: skip
    told = sigv4(CanonicalRequest("GET", "/", "Action=ListUsers&Version=2010-05-08", headers, b""), AwsKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "iam"))  # fmt: skip
    assert told.endswith("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")


def test_huaweis_published_example_is_verified_as_published() -> None:
    query = b"limit=2&marker=13551d6b-755d-4757-b956-536f674975c0"
    headers = {
        "content-type": "application/json",
        "host": "service.region.example.com",
        "x-sdk-date": "20191115T033655Z",
    }
    path = "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs"
    push = WebhookRequest("GET", f"https://service.region.example.com{path}", query, headers, b"", "", AT)
    told = sdk_signature(push, sorted(headers), "20191115T033655Z", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc")
    assert told == "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"


def test_vonages_string_is_signed_in_each_of_its_ways() -> None:
    given = {"api_key": "abcd", "from": "A", "text": "hi", "timestamp": "1461605396", "to": "447700900000"}
    assert signature_of(given, "secret", "md5hash") == "f05b25d41d8bb23943c7c58e8bd0ee1c"
    assert signature_of(given, "secret", "sha256") == "a68528e41e3204ed64cd3cdcf9b3827d18dec80fdf04a048497d3cc30a2db51d"
    text = "&a=x_y_z"
    assert signature_of({"a": "x&y=z"}, "s", "sha512") == hmac.new(b"s", text.encode(), "sha512").hexdigest()


GOOD_CONF = """group = smsbox
bearerbox-host = localhost
http-request-retry = 1000
mo-recode = true
reply-couldnotfetch = ""
reply-couldnotrepresent = ""
reply-requestfailed = ""
reply-emptymessage = ""

group = sendsms-user
username = hotline
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
omit-empty = true
get-url = "https://hotline.example.org/v1/hooks/sms/kannel?token=x&from=%p&to=%P&id=%I&ts=%T&coding=%c&charset=%C&text=%b"
"""


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("max-messages = 0\nomit", "omit", "max-messages = 0"), ("http-request-retry = 1000\n", "", "http-request-retry"),
        ('reply-emptymessage = ""\n', "", "reply-emptymessage"), ("text=%b", "text=%a", "%b"), ("&id=%I", "", "%I"),
        ("&charset=%C", "", "%C"), ("group = sms-service", "group = other", "sms-service"), ("from=%p", "from=%q", "%p"),
        ("group = sendsms-user\nusername = hotline\nmax-messages = 10", "group = sendsms-user\nusername = x", "sendsms-user"),
    ],
)  # fmt: skip
def test_case_23_a_configuration_of_kannel_that_would_lose_or_confuse_is_told(
    was: str, becomes: str, says: str
) -> None:
    assert conf_errors(GOOD_CONF) == []
    assert was in GOOD_CONF
    faults = conf_errors(GOOD_CONF.replace(was, becomes))
    assert faults and any(says in fault for fault in faults), faults


# Reconciling


def _page(request: httpx.Request) -> httpx.Response:
    host, path = request.url.host, request.url.path
    if host == "api.twilio.com":
        if "Page=1" in str(request.url):
            return httpx.Response(200, json={"messages": [_twilio("SM3", "inbound")], "next_page_uri": None})
        following = "/2010-04-01/Accounts/AC1/Messages.json?Page=1"
        there = [
            _twilio("SM1", "inbound"),
            _twilio("SM2", "outbound-api"),
            {**_twilio("SM9", "inbound"), "date_sent": "never"},
        ]
        return httpx.Response(200, json={"messages": there, "next_page_uri": following})
    if path == "/sms/1/inbox/reports":
        item = {
            "messageId": "817",
            "from": "8613800138000",
            "to": "12345",
            "text": "路灯坏了",
            "receivedAt": "2026-11-25T03:00:00.000+0000",
        }
        return httpx.Response(200, json={"results": [item], "pendingMessageCount": 0})
    reply = {"SubscriberNumber": "13800138000", "CountryCode": "86", "ReplyContent": "路灯坏了", "ReplyTime": 1795575600,
             "ExtendCode": "01", "PhoneNumber": "+8613800138000"}  # fmt: skip
    return httpx.Response(200, json={"Response": {"PullSmsReplyStatusSet": [reply]}})


def _twilio(sid: str, direction: str) -> dict[str, Any]:
    return {"sid": sid, "direction": direction, "from": "+8613800138000", "to": "+862812345", "body": f"路灯坏了 {sid}",
            "date_sent": "Wed, 25 Nov 2026 03:00:00 +0000"}  # fmt: skip


@pytest.mark.parametrize(("name", "there"), [("twilio", 2), ("infobip", 1), ("tencent", 1)])
async def test_what_a_push_never_brought_is_found_by_asking(
    name: str, there: int, app: FastAPI, services: Services, clock: Clock, desk: Player
) -> None:
    settings, secrets = ACCOUNTS[name]
    await create_gateway(
        services.gateways, NewGateway(name, name, settings, secrets, sends=False, weight=50), "test", clock()
    )
    async with httpx.AsyncClient(transport=httpx.MockTransport(_page)) as client:
        assert await backfill(services, name, client, clock() - timedelta(hours=24)) == (
            there,
            there + (name == "twilio"),
        )
        assert await backfill(services, name, client, clock() - timedelta(hours=24)) == (there, 0)
    while await process_due(services, clock()):
        pass
    tickets = (await desk.get("/v1/tickets")).json()["items"]
    assert len(tickets) == 1  # one sender, one matter
    shown = await desk.see(tickets[0]["number"])
    assert shown["counters"]["calls"] == there

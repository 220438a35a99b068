"""Asterisk: AMI events passed on as JSON, and lines of queue_log as plain text. Linkedid is the whole call."""

from collections.abc import Mapping
from typing import Any

from hotline.delivery.account import Account
from hotline.delivery.payloads import hashed_key, item_key, raw_item
from hotline.inbound.webhook_request import UnreadableItem, WebhookRequest
from hotline.telephony.contract import (
    IGNORED_EVENT,
    EventMeaning,
    Exchange,
    PushedEvents,
    event_time,
    field_text,
    parse_event_fields,
    unknown_event,
    with_time_warnings,
)
from hotline.telephony.model import TRANSFERRED, CallEvent, CallSignal
from hotline.telephony.vocabulary import Direction
from hotline.text.charsets import decode_text

# Every event that app_queue and the agents' modules write, of Asterisk 1.4 to 23. After a transfer nothing more is
# written of a call, unless it comes into a queue again.
QUEUE_LOG_EVENTS: Mapping[str, EventMeaning] = {
    "ENTERQUEUE": EventMeaning(CallSignal.QUEUED),  # url|caller's number|position
    "CONNECT": EventMeaning(CallSignal.ANSWERED),  # wait|channel|ringing
    "ABANDON": EventMeaning(CallSignal.HUNG_UP, abandoned=True),  # position|first position|wait
    "EXITEMPTY": EventMeaning(CallSignal.EXITED, "timeout"),
    "EXITWITHTIMEOUT": EventMeaning(CallSignal.EXITED, "timeout"),
    "EXITWITHKEY": EventMeaning(CallSignal.EXITED, "key", abandoned=True),  # the caller chose to leave
    "WITHDRAW": EventMeaning(CallSignal.EXITED, "withdrawn"),
    "SYSCOMPAT": EventMeaning(CallSignal.EXITED, "failed"),  # no common codec
    "COMPLETEAGENT": EventMeaning(CallSignal.LEFT),  # the agent hung up: the caller may go on in the dialplan
    "COMPLETECALLER": EventMeaning(CallSignal.LEFT),
    "TRANSFER": EventMeaning(CallSignal.LEFT, TRANSFERRED),  # until Asterisk 11
    "BLINDTRANSFER": EventMeaning(CallSignal.LEFT, TRANSFERRED),
    "ATTENDEDTRANSFER": EventMeaning(CallSignal.LEFT, TRANSFERRED),
    **dict.fromkeys(
        (
            "ADDMEMBER", "AGENTCALLBACKLOGIN", "AGENTCALLBACKLOGOFF", "AGENTDUMP", "AGENTLOGIN", "AGENTLOGOFF",
            "CONFIGRELOAD", "DID", "INFO", "PAUSE", "PAUSEALL", "PENALTY", "QUEUESTART", "REMOVEMEMBER", "RINGCANCELED",
            "RINGINUSE", "RINGNOANSWER", "UNPAUSE", "UNPAUSEALL",
        ),
        IGNORED_EVENT,
    ),
}  # fmt: skip
# The events of AMI, of Asterisk 1.8 to 23, in lower case: those that say something of a queue's call, and the others.
AMI_EVENTS: Mapping[str, EventMeaning] = {
    "queuecallerjoin": EventMeaning(CallSignal.QUEUED),
    "join": EventMeaning(CallSignal.QUEUED),  # until Asterisk 11, as leave and transfer
    "queuecallerleave": EventMeaning(CallSignal.EXITED),  # also to an agent: AgentConnect says so
    "leave": EventMeaning(CallSignal.EXITED),
    "queuecallerabandon": EventMeaning(CallSignal.HUNG_UP, abandoned=True),
    "agentcalled": EventMeaning(CallSignal.RINGS),
    "agentringnoanswer": EventMeaning(CallSignal.RANG_OUT),
    "agentconnect": EventMeaning(CallSignal.ANSWERED),
    "agentcomplete": EventMeaning(CallSignal.LEFT),
    "blindtransfer": EventMeaning(CallSignal.LEFT, TRANSFERRED),
    "attendedtransfer": EventMeaning(CallSignal.LEFT, TRANSFERRED),
    "transfer": EventMeaning(CallSignal.LEFT, TRANSFERRED),
    "hangup": EventMeaning(CallSignal.HUNG_UP),
    "cdr": EventMeaning(CallSignal.RECORDED),
    **dict.fromkeys(
        """agentdump agentlogin agentlogoff agents agentscomplete agicallend agiexec
agiexecend agiexecstart alarm alarmclear aoc-d aoc-e aoc-s aordetail aorlist aorlistcomplete asyncagi asyncagiend
asyncagiexec asyncagistart authdetail authlist authlistcomplete authmethodnotallowed bridge
bridgeaction bridgecreate bridgedestroy bridgeenter bridgeexec bridgeinfochannel bridgeinfocomplete bridgeleave
bridgelistcomplete bridgelistitem bridgemerge bridgevideosourceupdate cel celgenuserevent challengeresponsefailed
challengesent chanspystart chanspystop channelreload channeltalkingstart channeltalkingstop channelupdate
confbridgeend confbridgejoin confbridgeleave confbridgelist confbridgelistcomplete confbridgelistrooms
confbridgelistroomscomplete confbridgemute confbridgerecord confbridgestart confbridgestoprecord confbridgetalking
confbridgeunmute contactlist contactlistcomplete contactstatus contactstatusdetail coreshowchannel
coreshowchannelmapcomplete coreshowchannelscomplete dahdichannel dahdishowchannels dahdishowchannelscomplete
dahdispancontrol dbgetcomplete dbgetresponse dbgettreecomplete deadlockstart devicestatechange
devicestatelistcomplete dial dialbegin dialend dialplancomplete dialstate dndstate dtmf dtmfbegin dtmfend
endpointdetail endpointdetailcomplete endpointlist endpointlistcomplete extensionstatelistcomplete extensionstatus
failedacl faxsession faxsessionscomplete faxsessionsentry faxstats faxstatus flash fullybooted hangupauth
hanguphandlerpop hanguphandlerpush hanguphandlerrun hanguprequest hold identifydetail invalidaccountid
invalidpassword invalidtransport itemnotify jabberevent jabberstatus listdialplan load loadaveragelimit localbridge
localoptimizationbegin localoptimizationend logchannel mcid mcpevent meetmeend meetmejoin meetmelist meetmelistcomplete
meetmelistrooms meetmelistroomscomplete meetmeleave meetmemute meetmetalking meetmetalkrequest memorylimit
messagewaiting minivoicemail mixmonitormute mixmonitorstart mixmonitorstop monitorstart monitorstop moduleloadreport
musiconhold musiconholdstart musiconholdstop mwiget mwigetcomplete newaccountcode newcallerid newchannel
newconnectedline newexten newpeeraccount newstate originateresponse parkedcall parkedcallgiveup parkedcallscomplete
parkedcallswap parkedcalltimeout parkinglot parkinglotscomplete peerentry peerlistcomplete peerstatus phonestatus
pickup presencestatechange presencestatelistcomplete presencestatus prievent queueentry queuemember queuememberadded
queuememberpause queuememberpaused queuememberpenalty queuememberremoved queuememberringinuse queuememberstatus
queueparams queuestatuscomplete queuesummary queuesummarycomplete receivefax receivefaxstatus registry
registryentry registrationscomplete reload rename reqbadformat reqnotallowed reqnotsupported requestbadformat
requestnotallowed requestnotsupported resourcelistdetail rtcpreceived rtcpreceiverstat rtcpsent rtpreceiverstat
rtpsenderstat sendfax sendfaxstatus sessionlimit sessiontimeout shutdown sipqualifypeerdone skypeaccountstatus
softhanguprequest spanalarm spanalarmclear status statuscomplete subscriptiondetail successfulauth transportdetail
unexpectedaddress unhold unload unlink unparkedcall userevent varset voicemailpasswordchange
voicemailuserdetail voicemailuserdetailcomplete voicemailuserentry voicemailuserentrycomplete waiteventcomplete wink
zapshowchannels zapshowchannelscomplete""".split(),  # noqa: SIM905
        IGNORED_EVENT,
    ),
}
_CAUSES = {
    "16": "normalClearing",
    "17": "busy",
    "18": "noAnswer",
    "19": "noAnswer",
    "21": "rejected",
    "34": "congestion",
}
_REFERENCES = ("Linkedid", "linkedid", "TransfereeLinkedid", "OrigTransfererLinkedid", "TransfererLinkedid")


class Asterisk(PushedEvents):
    """The calls of its queues: what goes straight to an extension is none of ours. `agents` of the settings: interfaces
    or member names to our logins."""

    def events(self, request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
        if request.media_type == "text/plain":
            found = decode_text(request.body, request.charset)
            lines = (request.body.decode("utf-8", "replace") if found is None else found.text).splitlines()[:500]
            return [e for line in lines if line.strip() for e in _queue_log_events(line.strip(), self.account, request)]
        return [e for fields in parse_event_fields(request) for e in _ami_events(fields, self.account, request)]


def _ami_events(fields: dict[str, Any], account: Account, request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
    word, raw = (field_text(fields, "Event", "event") or "").casefold(), raw_item(fields)
    reference, own = (
        field_text(fields, *_REFERENCES, "Uniqueid", "uniqueid"),
        field_text(fields, "Uniqueid", "uniqueid"),
    )
    meaning = AMI_EVENTS.get(word)
    if word and meaning is None:
        return [unknown_event(word, raw, request.at)]
    if meaning is IGNORED_EVENT:
        return []
    if meaning is None or meaning.signal is None or reference is None:
        return [UnreadableItem("Event or Linkedid is missing", raw)]
    if word == "hangup" and own is not None and own != reference:
        return []  # a leg of the call, not the caller's
    if meaning.cause == TRANSFERRED and (field_text(fields, "Result") or "success").casefold() != "success":
        return []  # tried, and the agent is still there
    recording = field_text(fields, "RecordingFile", "recordingfile")
    if meaning.signal is CallSignal.RECORDED and recording is None:
        return []
    at, unread = event_time(account, fields, request.at, "Timestamp", "timestamp")
    cause = field_text(fields, "Cause")
    cause = meaning.cause or _CAUSES.get(cause or "", cause)
    if word == "agentcomplete" and (field_text(fields, "Reason") or "").casefold() == "transfer":
        cause = TRANSFERRED
    # only the queue's events are calls to the hotline; a hang-up or CDR comes for every channel of the exchange
    queued = word not in ("hangup", "cdr") and meaning.cause != TRANSFERRED
    event = CallEvent(
        item_key(reference), hashed_key(*sorted(f"{k}={v}" for k, v in fields.items())), meaning.signal, at,
        Direction.IN, phone=field_text(fields, "CallerIDNum", "CallerIdNum", "CallerID") if queued else None,
        line=field_text(fields, "Exten") if queued else None,
        queue=field_text(fields, "Queue") if queued else None,
        agent=field_text(fields, "MemberName", "Interface", "DestChannel"), cause=cause, abandoned=meaning.abandoned,
        recording={"id": recording} if recording else None, unread=unread,
    )  # fmt: skip
    return with_time_warnings([event], raw, request.at)


def _queue_log_events(line: str, account: Account, request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
    """epoch|uniqueid|queue|agent|EVENT|params"""
    parts = line.split("|")
    if len(parts) < 5:
        return [UnreadableItem("not a line of queue_log", line[:500])]
    stamp, reference, queue, agent, word, *params = parts
    meaning = QUEUE_LOG_EVENTS.get(word.strip().upper())
    if meaning is None:
        return [unknown_event(word, line[:500], request.at)]
    if meaning.signal is None or not reference or reference in ("NONE", "REALTIME"):
        return []
    at, unread = event_time(account, {"at": stamp or "?"}, request.at, "at")
    phone = params[1] if meaning.signal is CallSignal.QUEUED and len(params) > 1 else None
    event = CallEvent(
        item_key(reference), hashed_key(*parts), meaning.signal, at, Direction.IN, phone=phone or None,
        queue=None if queue == "NONE" else queue, agent=None if agent == "NONE" else agent, cause=meaning.cause,
        abandoned=meaning.abandoned, unread=unread,
    )  # fmt: skip
    return with_time_warnings([event], line[:500], request.at)


PROVIDER = Exchange(
    name="asterisk",
    about="Asterisk: AMI events as JSON, lines of queue_log; the calls of its queues",
    adapter=Asterisk,
)

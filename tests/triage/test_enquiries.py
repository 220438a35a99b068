"""Who asks how, where, when or how much makes an enquiry, in every dialect and in English; who tells what is wrong does
not, however it is worded. Asked how a past matter goes on, it is an enquiry about that matter, and rings nowhere."""

from functools import cache

import pytest

from hotline.organisation.model.vocabulary import URGENCY, Kind, Operator, Priority
from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import Lexicon, build_lexicon
from hotline.value_objects import replace
from tests.conftest import Clock, Player
from tests.triage.seeded import seeded_directory

DIRECTORY = seeded_directory("ruiquan")
ASKED = [
    "天然气卡怎么充值",
    "有线电视费在哪里交",
    "停车月卡怎么算",
    "房子过户要什么手续",
    "图书室星期天几点开门",
    "我可以在楼顶种菜吗",
    "宠物证去哪个窗口办",
    "车位租一年多少钱",
    "天然气费咋个缴嘛",
    "收视费在哪点交",
    "娃儿转学啷个办",
    "租个车位好多钱一个月",
    "老年卡掉了咋个补办",
    "游泳馆几时开门",
    "煤氣費邊度交",
    "點樣申請泊車證",
    "學車位幾錢一個月",
    "我可以喺天台曬衫咩",
    "how do I pay the water bill",
    "where can I park a van overnight",
    "how much is a parking permit",
    "may I put a bench in the garden",
    "when does the library open",
    "can I keep chickens here",
]  # fmt: skip
TOLD = [
    "电梯怎么又停了",
    "楼道灯怎么还没人来修",
    "屋头水管爆了咋个办",
    "厕所堵了咋个整嘛",
    "煤气灶打不燃了，咋个回事",
    "我们栋停电了，几时来电",
    "自来水好小，咋个搞的",
    "水喉爆咗點算",
    "樓上漏水漏到我屋企，點算好",
    "路灯坏了三天，哪里反映",
    "there is no water in my flat, when is it back",
    "where can I report a broken street lamp",
]  # fmt: skip
PROGRESS = [
    "昨天电梯关人那个事处理得怎么样了",
    "前天三栋电梯困人，后来怎么处理的",
    "上周我反映的电梯困人，查清楚没有",
    "昨天煤气漏了的事有结果没得",
    "昨晚楼下着火那件事，现在有啥子进展",
    "尋日有人困喺𨋢入面，跟進成點呀",
    "any news about the man who was stuck in the lift yesterday",
    "what was done about the gas leak last week",
]  # fmt: skip
STILL = [
    "昨天电梯困人，今天又困了人",
    "昨晚着火说灭了，现在又烧起来了，快来",
    "昨夜车库起火，处理得怎么样了，火又窜起来了",
    "昨晚电梯关人，有结果没，人还关在里头",
    "前天楼道煤气漏了，查清楚没，今早味道还大",
    "昨晚他拿刀砍门，有啥子结果没得，这哈又来砍了",
    "昨晚娃儿掉进沟头，处理没得，还没救起来",
    "尋晚廚房火燭，跟進成點，仲燒緊",
    "尋晚阿爸跌親，有冇結果，而家叫唔醒",
    "what was done about the fire last night, it is burning again",
    "昨天报的煤气漏，现在味道更大了，处理得怎么样了，快来人",
    "有人困在电梯里了咋个办",
    "屋里煤气味好大，点算",
    "my wife is stuck in the lift, what do I do, can I force the door",
]  # fmt: skip

# beside a question about a past matter, or how something is done: what is wrong now, and the priority it has alone
BESIDE = [
    ("上周报的漏水处理好没。今天停电了", Priority.URGENT),
    ("昨天反映的垃圾有结果没，还有5栋停水了", Priority.URGENT),
    ("上个月报的路灯有进展没，顺便说一下电梯坏了", Priority.URGENT),
    ("水费在哪里交，我家水管爆了", Priority.URGENT),
    ("停车月卡怎么续费，道闸坏了", Priority.NORMAL),
    ("昨天3栋停水处理好没，5栋也停水了", Priority.URGENT),
    ("昨天报的煤气泄漏，进度怎么样，味道好大", Priority.URGENT),
    ("前天电梯困人处理好没，今天又关了一个人", Priority.URGENT),
    ("气费咋个缴嘛，灶台打不燃了", Priority.URGENT),
    ("上回反映的井盖有结果没得，楼道灯也不亮了", Priority.NORMAL),
    ("卫生费在哪点交，下水道又堵起了", Priority.NORMAL),
    ("前天报的路灯处理没得，屋头停水了", Priority.URGENT),
    ("電費喺邊度交，屋企停電", Priority.URGENT),
    ("琴日嗰單漏水跟進成點，大門又壞咗", Priority.NORMAL),
    ("管理費點樣交，部𨋢壞咗", Priority.URGENT),
    ("where can I pay the water bill, there is no water in my flat", Priority.URGENT),
    ("any update on the rubbish from last week, and the lift is broken", Priority.URGENT),
    ("what was done about the leak last week, the power is out now", Priority.URGENT),
    ("how do I renew my parking permit, the barrier is broken", Priority.NORMAL),
]  # fmt: skip
# the fault is what the question is about
ABOUT_IT = [
    "门禁卡坏了，咋个补办",
    "燃气表坏了，哪里可以换",
    "上回反映的漏水处理好没",
    "昨天报的路灯坏了，有结果没得",
    "琴日嗰單停水跟進成點",
    "any update on the broken lamp I reported last week",
    "业主卡坏了怎么补办",
]  # fmt: skip


@cache
def lexicon(without: Operator | None = None) -> Lexicon:
    lists = {code: words for code, words in DIRECTORY.word_lists.items() if code != without}
    return build_lexicon(replace(DIRECTORY, word_lists=lists))


def read(text: str, without: Operator | None = None) -> Advice:
    return advise(lexicon(without), text)


@pytest.mark.parametrize("text", ASKED)
def test_who_asks_how_where_or_how_much_makes_an_enquiry(text: str) -> None:
    assert read(text).kind is Kind.ENQUIRY


@pytest.mark.parametrize("text", TOLD)
def test_who_tells_what_is_wrong_makes_no_enquiry_of_it(text: str) -> None:
    assert read(text).kind is not Kind.ENQUIRY


@pytest.mark.parametrize("text", PROGRESS)
def test_how_a_past_danger_goes_on_is_an_enquiry_and_rings_nowhere(text: str) -> None:
    advice = read(text)
    assert (advice.kind, advice.dangers, advice.priority) == (Kind.ENQUIRY, (), Priority.NORMAL)


@pytest.mark.parametrize("text", STILL)
def test_what_is_a_danger_now_is_no_enquiry(text: str) -> None:
    advice = read(text)
    assert advice.kind is not Kind.ENQUIRY
    assert advice.dangers or advice.ask or advice.priority is not Priority.NORMAL


@pytest.mark.parametrize(("text", "least"), BESIDE)
def test_what_is_wrong_beside_a_question_is_no_enquiry_and_keeps_its_priority(text: str, least: Priority) -> None:
    advice = read(text)
    assert advice.kind is not Kind.ENQUIRY
    assert URGENCY.index(advice.priority) <= URGENCY.index(least)


@pytest.mark.parametrize("text", ABOUT_IT)
def test_a_fault_that_the_question_is_about_leaves_it_an_enquiry(text: str) -> None:
    assert read(text).kind is Kind.ENQUIRY


def test_sparks_beside_a_question_about_a_bill_raise_an_alarm() -> None:
    for text in (
        "哪里可以缴电费，电线在冒火花",
        "物业费在哪点交，楼道头燃起来了",
        "where can I pay the gas bill, the hall is on fire",
    ):
        assert read(text).dangers, text


def test_without_its_words_an_operator_makes_no_enquiry() -> None:
    assert read("天然气卡怎么充值", Operator.ASKING).kind is not Kind.ENQUIRY
    assert read("门禁卡坏了咋个补办").kind is Kind.ENQUIRY
    assert read("门禁卡坏了咋个补办", Operator.ERRAND).kind is not Kind.ENQUIRY


async def test_a_question_about_an_entrapment_is_offered_the_ticket_of_it(desk: Player, clock: Clock) -> None:
    caller = {"phone": "13800138000"}
    trapped = await desk.call("3栋电梯困人了，一个婆婆在里头拍门", caller=caller)
    clock.forward(hours=4)  # within the time in which a call may repeat it
    asked = await desk.call("上回3栋电梯困人那个事处理得怎么样了", caller=caller)
    assert asked["priority"] == "normal" and asked["kind"] == "enquiry"
    assert asked["category"]["code"] == "dt-trapped"
    assert [one["number"] for one in asked["advice"]["duplicates"]] == [trapped["number"]]

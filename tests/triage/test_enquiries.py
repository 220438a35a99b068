"""Who asks how, where, when or how much makes an enquiry, in every dialect and in English; who tells what is wrong does
not, however it is worded. Asked how a past matter goes on, it is an enquiry about that matter, and rings nowhere."""

from functools import cache

import pytest

from hotline.organisation.model.vocabulary import Kind, Operator, Priority
from hotline.triage.model.advice import Advice
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import Lexicon, build_lexicon
from hotline.value_objects import replace
from tests.conftest import Clock, Player
from tests.triage.seeded import seeded_directory

DIRECTORY = seeded_directory("ruiquan")
ASKED = [
    "",
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
    "",
][1:-1]
TOLD = [
    "",
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
    "",
][1:-1]
PROGRESS = [
    "",
    "昨天电梯关人那个事处理得怎么样了",
    "前天三栋电梯困人，后来怎么处理的",
    "上周我反映的电梯困人，查清楚没有",
    "昨天煤气漏了的事有结果没得",
    "昨晚楼下着火那件事，现在有啥子进展",
    "尋日有人困喺𨋢入面，跟進成點呀",
    "any news about the man who was stuck in the lift yesterday",
    "what was done about the gas leak last week",
    "",
][1:-1]
STILL = [
    "",
    "昨天电梯困人，今天又困了人",
    "昨晚着火说灭了，现在又烧起来了，快来",
    "昨天报的煤气漏，现在味道更大了，处理得怎么样了，快来人",
    "有人困在电梯里了咋个办",
    "屋里煤气味好大，点算",
    "my wife is stuck in the lift, what do I do, can I force the door",
    "",
][1:-1]


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
    assert advice.dangers or advice.priority is not Priority.NORMAL


def test_without_its_words_an_operator_makes_no_enquiry() -> None:
    assert read("天然气卡怎么充值", Operator.ASKING).kind is not Kind.ENQUIRY
    assert read("门禁卡坏了咋个补办").kind is Kind.ENQUIRY
    assert read("门禁卡坏了咋个补办", Operator.ERRAND).kind is not Kind.ENQUIRY


async def test_a_question_about_an_entrapment_is_offered_the_ticket_of_it(desk: Player, clock: Clock) -> None:
    caller = {"phone": "13800138000"}
    trapped = await desk.call("3栋电梯里困了人，快来救", caller=caller)
    clock.forward(hours=4)  # within the time in which a call may repeat it
    asked = await desk.call("上回3栋电梯困人那个事处理得怎么样了", caller=caller)
    assert asked["priority"] == "normal" and asked["kind"] == "enquiry"
    assert asked["category"]["code"] == "dt-trapped"
    assert [one["number"] for one in asked["advice"]["duplicates"]] == [trapped["number"]]

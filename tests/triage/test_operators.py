"""What words around a danger make of it: denied, over, feared, a film; and what makes it real again. Each story reads
otherwise where the operator has no words, so that no operator stands idle."""

from dataclasses import replace
from functools import cache

import pytest

from hotline.organisation.model.vocabulary import Danger, Grade, Operator
from hotline.text.normalisation import fold_text
from hotline.triage.model.danger.reading import DangerFinding, read_dangers
from hotline.triage.model.lexicon import Lexicon
from hotline.triage.model.matching import Reading
from tests.triage.seeded import seeded_lexicon

# operator, language, a story that it lowers, and its twin that it must leave alone
LOWERED = [
    (Operator.NEGATION, "mandarin", "车库没有着火，就是灯坏了", "没有人管，车库着火了"),
    (Operator.NEGATION, "sichuan", "莫得哪个触电，是灯泡闪了一下", "莫得人敢去拉，我老汉儿触电了"),
    (Operator.NEGATION, "cantonese", "屋企冇火燭，係隔籬煲湯", "冇人應門，入面火燭"),
    (
        Operator.NEGATION,
        "english",
        "There is no fire in the kitchen, only steam",
        "No one answers, the kitchen is on fire",
    ),
    (Operator.PAST, "mandarin", "去年我们楼着火了，墙到现在没刷", "去年就说线路老化，今天我们楼着火了"),
    (Operator.PAST, "mandarin", "上次我们楼着火了", "上次的意见没人理，我们楼着火了"),
    (Operator.PAST, "sichuan", "上回楼下着火了，墙都没刷", "上回喊你们整改，这回楼下着火了"),
    (Operator.PAST, "traditional", "前年隔壁失火了，牆還是黑的", "前年裝的電箱，現在失火了"),
    (Operator.PAST, "english", "Last year the house was on fire", "Last year it was fixed, now the house is on fire"),
    (Operator.HYPOTHESIS, "mandarin", "如果厨房着火了先关阀门对不对", "如果方便的话快点来，厨房着火了"),
    (Operator.HYPOTHESIS, "sichuan", "假比屋头着火了从哪个楼梯跑", "假比你们还在路上，跑快点，屋头着火了"),
    (Operator.HYPOTHESIS, "cantonese", "若果樓下火燭係咪行樓梯", "樓下火燭，若果燒到隔籬就大件事"),
    (
        Operator.HYPOTHESIS,
        "english",
        "If the house is on fire we walk down the stairs",
        "I can't see if he is out, the house is on fire",
    ),
    (Operator.THEN, "mandarin", "要是半夜没人值班，就着火了", "要是你在路上，厨房着火了"),
    (Operator.FEAR, "mandarin", "我担心着火了没人晓得", "我担心得很，厨房着火了"),
    (Operator.FEAR, "sichuan", "电线乱拉，迟早着火", "早就要说这个事，电线着火了"),
    (Operator.FEAR, "english", "I am afraid of a house on fire", "I am afraid, the house is on fire"),
    (Operator.RIGHTS, "mandarin", "车库着火，车烧了找谁理赔", "理赔的事以后说，车库着火了"),
    (Operator.RIGHTS, "traditional", "樓下失火，保險怎麼算", "保險先不管，樓下失火了快來人"),
    (
        Operator.RIGHTS,
        "english",
        "House on fire, how does my insurance pay",
        "Forget the insurance, the garage is on fire",
    ),
    (Operator.POLICY, "mandarin", "电瓶车着火频发，建议加强管理", "提了几回建议没人理，电瓶车着火了，快来人"),
    (
        Operator.POLICY,
        "english",
        "A car on fire blocks the road, I suggest a wider lane",
        "The house is on fire, please hurry",
    ),
    (Operator.MEDIA, "mandarin", "学校演练，教室着火了大家往操场跑", "演练早结束了。教室着火了"),
    (Operator.MEDIA, "sichuan", "电视剧头那家着火了，吵得我睡不着", "我在看电视剧。隔壁着火了"),
    (Operator.MEDIA, "traditional", "新聞說工廠失火了", "看完新聞才發現。我家失火了"),
    (Operator.MEDIA, "english", "In the movie the house is on fire", "We stopped the movie. The house is on fire"),
    (Operator.ALMOST, "mandarin", "我爸差点触电", "差点忘了说，我爸触电了"),
    (Operator.ALMOST, "english", "The house was almost on fire", "I almost forgot, the house is on fire"),
    (Operator.ERROR, "mandarin", "我以为着火了，原来是晚霞", "我以为是晚霞，结果着火了"),
    (Operator.ERROR, "sichuan", "我还以为着火了，哪晓得是烧烤", "我还以为是烧烤，哪晓得屋头着火了"),
    (Operator.DONE, "mandarin", "厨房着火，已经扑灭", "厨房着火，没有扑灭"),
    (Operator.DONE, "sichuan", "灶屋着火了，搞归一了", "灶屋着火了，没有搞归一"),
    (Operator.DONE, "cantonese", "廚房火燭，搞掂", "廚房火燭，未搞掂"),
    (Operator.DONE, "english", "Kitchen on fire, it is put out", "Kitchen on fire, it cannot be put out"),
    (Operator.PROGRESS, "mandarin", "昨晚厨房着火了，后来怎么处理的", "昨晚厨房着火了，今晚又烧起来了，后来怎么处理的"),
    (Operator.EARLIER, "mandarin", "昨夜仓库着火了，最后怎么处理的", "今夜仓库着火了，最后怎么处理的"),
    (
        Operator.HEARSAY,
        "mandarin",
        "听说他们学校的食堂着火了，我们的食堂查过没有",
        "他们学校的食堂着火了，我们的食堂查过没有",
    ),
    (Operator.THING, "mandarin", "股票崩盘，房价要垮了", "不说房价，房子要垮了"),
    (Operator.DEVICE, "mandarin", "我手机掉进河里了", "我弟弟捞手机掉进河里了"),
    (Operator.FINE, "mandarin", "我遭摩托车撞到了，没受伤", "我遭摩托车撞到了，流血"),
    (Operator.FINE, "english", "My neighbour was hit by a car, not injured", "My neighbour was hit by a car, bleeding"),
    (Operator.FORWARDED, "mandarin", "转发：河边有人落水了", "河边有人落水了"),
    (Operator.INTENSE, "mandarin", "排队排得我都要晕倒了", "排队的时候我妈晕倒了"),
    (Operator.INTENSE, "sichuan", "热得我都要晕倒了", "痛得我都要晕倒了"),
    (Operator.FRAUD, "mandarin", "骗子打电话来，说我老公出车祸了要打钱", "交警打电话来，说我老公出车祸了"),
    (Operator.FRAUD, "traditional", "有人冒充醫生，話我個仔跌斷腳要匯錢", "醫生話我個仔跌斷腳"),
    (
        Operator.FRAUD,
        "english",
        "A scammer rang and said my son was stabbed",
        "A nurse rang and said my son was stabbed",
    ),
    (Operator.TELLS, "mandarin", "诈骗电话说我爸被车撞了", "我爸接完诈骗电话被车撞了"),
    (
        Operator.ELSEWHERE,
        "mandarin",
        "同事说他们小区车棚着火了，我们的车棚有没有装喷淋",
        "同事说车棚着火了，我们的车棚有没有装喷淋",
    ),
    (
        Operator.ELSEWHERE,
        "sichuan",
        "听说城西有家火锅店炸了，我们这条街的店哪个在管",
        "听说城西有家火锅店炸了，我们这边玻璃都震烂了，哪个在管",
    ),
    (Operator.ELSEWHERE, "traditional", "隔壁鎮有工人觸電了，我們的路燈有沒有漏電", "隔壁鎮有工人觸電了，快派人"),
    (
        Operator.ELSEWHERE,
        "english",
        "another estate had a gas explosion, does ours have detectors",
        "our estate had a gas explosion, does ours have detectors",
    ),
    (Operator.OWN, "mandarin", "听说邻县的桥垮了，咱们的桥检查过没有", "听说邻县的桥垮了，检查过没有"),
    (Operator.ULTIMATUM, "mandarin", "再不给我解决，我就从楼上跳下去", "我要从楼上跳下去"),
    (Operator.MASK, "mandarin", "着火点这个词怎么翻译成英语，我家娃要考试", "旁边的垃圾着火了"),
    (Operator.MASK, "english", "I am drowning in paperwork", "I am drowning in the river"),
    (Operator.GENERIC, "mandarin", "着火了应该先拨几号", "着火了先拨几号，快来人"),
]
# operator, language, a story that it makes real, and the same without it
RESTORED = [
    (Operator.PRESENT, "mandarin", "去年着过火，今天楼下着火了", "去年楼下着火了"),
    (Operator.PRESENT, "sichuan", "往回也烧过，将才楼下着火了", "往回楼下着火了"),
    (Operator.PRESENT, "cantonese", "舊年火燭過，啱啱樓下火燭", "舊年樓下火燭"),
    (Operator.PRESENT, "english", "Last year was bad, now the house is on fire", "Last year the house was on fire"),
    (Operator.ONGOING, "mandarin", "昨晚仓库着火了，进展如何，风更大了", "昨晚仓库着火了，进展如何"),
    (Operator.TURN, "mandarin", "去年装的电梯老是坏，对了楼下着火了", "去年装的电梯老是坏，楼下着火了"),
    (Operator.ENDS_NEGATION, "mandarin", "没有人来救火着火了", "没有着火"),
    (Operator.REAL, "mandarin", "演练的时候真的着火了", "演练的时候着火了"),
    (Operator.REAL, "english", "During the drill the house is really on fire", "During the drill the house is on fire"),
    (Operator.AGAIN, "mandarin", "厨房着火，灭了，但是又来了", "厨房着火，灭了"),
    (Operator.CASE, "mandarin", "我家着火应该往哪里跑", "着火应该往哪里跑"),
    (Operator.PLEA, "mandarin", "着火怎么办，救命", "着火怎么办"),
    (Operator.PLEA, "sichuan", "围墙垮了，搞快", "围墙垮了"),
    (Operator.PLEA, "english", "The wall collapsed, help", "The wall collapsed"),
    (Operator.PERSON, "mandarin", "围墙垮了，旁边有学生", "围墙垮了"),
    (Operator.PERSON, "english", "The wall collapsed, residents came out", "The wall collapsed"),
    (Operator.NOW, "mandarin", "围墙突然垮了", "围墙垮了"),
    (Operator.NOW, "cantonese", "圍牆忽然冧咗", "圍牆冧咗"),
]
# a comparison needs its beginning and its end
COMPARED = ["楼上走路跟爆炸了一样", "打雷像房子塌了一样"]

# a noun that ends in a word of an operator is no operator
NOUNS = ["村委会有个人晕倒了", "演唱会上有个人晕倒了", "工会那边有个人晕倒了", "会场有个人晕倒了"]


LEXICON = seeded_lexicon("ruiquan")


@cache
def lexicon_without(*operators: Operator) -> Lexicon:
    """Whose operators are all but these; the words of theirs that patterns are made of stay."""
    patterns = LEXICON.patterns
    others = {operator: group for operator, group in patterns.operators.items() if operator not in operators}
    return replace(LEXICON, patterns=replace(patterns, operators=others))


def findings(text: str, *without: Operator) -> list[DangerFinding]:
    lexicon = lexicon_without(*without)
    return read_dangers(lexicon, Reading(lexicon.patterns, fold_text(text)))


def alarms(text: str, *without: Operator) -> set[Danger]:
    return {found.danger for found in findings(text, *without) if found.grade is Grade.ACT}


def ids(stories: list[tuple[Operator, str, str, str]]) -> list[str]:
    return [f"{operator}-{language}-{at}" for at, (operator, language, _, _) in enumerate(stories)]


@pytest.mark.parametrize(("operator", "language", "story", "twin"), LOWERED, ids=ids(LOWERED))
def test_an_operator_lowers_what_it_governs_and_nothing_else(
    operator: Operator, language: str, story: str, twin: str
) -> None:
    assert not alarms(story)
    assert alarms(twin)
    assert alarms(story, operator)


@pytest.mark.parametrize(("operator", "language", "story", "twin"), RESTORED, ids=ids(RESTORED))
def test_an_operator_makes_real_what_would_be_lowered(operator: Operator, language: str, story: str, twin: str) -> None:
    assert alarms(story)
    assert not alarms(twin)
    assert not alarms(story, operator)


@pytest.mark.parametrize("story", COMPARED)
def test_a_comparison_is_no_danger(story: str) -> None:
    assert not alarms(story)
    assert alarms(story, Operator.LIKE)
    assert alarms(story, Operator.ALIKE)


def test_every_operator_has_a_story() -> None:
    told = {story[0] for story in (*LOWERED, *RESTORED)} | {Operator.LIKE, Operator.ALIKE, Operator.HOWTO}
    told |= {Operator.ASKING, Operator.ERRAND}  # of kinds: test_enquiries
    assert told == set(Operator)


def test_a_question_about_no_case_is_no_danger() -> None:
    assert not alarms("请问着火怎么处理")
    assert alarms("请问着火怎么处理", Operator.HOWTO)
    assert alarms("请问我家着火怎么处理")


def test_what_is_over_lowers_the_danger_that_it_ends() -> None:
    assert not alarms("厨房着火了，已经灭了")
    assert Danger.LIFT in alarms("电梯突然一震停了，灯也灭了，我一个人怕得很")
    assert not alarms("我女儿走丢了，现在找到了")
    assert Danger.GAS in alarms("楼道里有股煤气味，敲了一圈找到是四楼，没人应门")


def test_who_is_named_beside_a_thing_does_not_own_it() -> None:
    assert not alarms("我的钥匙锁在车里了，车停在门口")
    assert Danger.MEDICAL in alarms("宝宝和钥匙都锁在车里了，孩子哭得满脸通红")


@pytest.mark.parametrize("text", NOUNS)
def test_a_noun_that_ends_in_a_word_of_fear_lowers_nothing(text: str) -> None:
    assert alarms(text) == {Danger.MEDICAL}

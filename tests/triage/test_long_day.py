"""Long ordinary narratives, put together from the calls of the shipped day and what people tell around them: hardly one
raises an alarm, by telephone or in writing. And those of New York's 311, where they are beside the checkout."""

import csv
import random
from collections import Counter
from pathlib import Path

import pytest

from hotline.organisation.model.vocabulary import Priority
from hotline.packaged_files import packaged_folder
from hotline.triage.model.advising import advise
from tests.triage.test_danger_frames import LEXICON

HERE = Path(__file__)
NEW_YORK = next(
    (file for p in HERE.parents if (file := p / "shared" / "data" / "nyc311-2023-02-28.csv").is_file()), None
)
MOST = 0.005  # of ordinary narratives that may raise an alarm
COUNT = 1_000
# what of the day is a danger, or may be one: none of these is told
DANGERS = (
    "c001", "c004", "c007", "c008", "c009", "c029", "c045", "c049", "c054", "c055", "c075", "c077", "c078", "c088", "c089",
    "c096", "c098", "c104", "c108", "c124", "c125", "c126",
)  # fmt: skip
OPENERS = (
    "您好，", "喂，你好，", "我想反映一下我们小区的几个问题，", "师傅你好，打扰你一下，", "我是这里的老住户了，住了八年，", "我替我妈打这个电话，",
    "不好意思，我话有点多，", "上个月我打过一次热线，", "Hello, I have a few things to report. ", "麻烦你记一下，",
)  # fmt: skip
AROUND = (
    "，去年就给物业说过了，说是要研究，到现在也没有下文", "，物业的人来看了一眼就走了", "，我们这栋老年人多，上下都不方便", "，娃儿上学天天要从那里过",
    "，前年换了公司以后更没得人管", "，隔壁小区早就弄好了", "，社区开会的时候也提过，都说知道了", "，邻居们意见都很大", "，我拍了照片，可以发给你们",
    "，上周下雨的时候最恼火", "，打电话说在排队，排了十几天", "，我也不晓得该归哪个部门管", "，听说要用维修基金，可是没有人来签字", "，大家都是交了钱的",
    "，晚上八点以后特别明显", "，我爱人身体不好，要静养", ", and nobody has told us when it will be done", ", we have been waiting since last winter",
)  # fmt: skip
LINKS = ("。还有就是，", "。另外，", "；第二个事情，", "。再说一个，", "，然后", "。对了，", "。Also, ")
CLOSERS = (
    "。麻烦你们转给相关部门，我等你们回话，谢谢。", "。能不能给个准话，什么时候能解决？", "。我就说这么多，辛苦你了。", "。希望尽快处理。",
    "。我的电话一直开着的，有什么不清楚可以再问我。", "",
)  # fmt: skip


def ordinary_lines() -> list[str]:
    with (packaged_folder("seeds") / "demo" / "day.csv").open(encoding="utf-8", newline="") as file:
        return [row["words"] for row in csv.DictReader(file) if row["id"] not in DANGERS]


def long_narratives(seed: int) -> list[str]:
    chance, lines = random.Random(seed), ordinary_lines()
    texts = []
    for _ in range(COUNT):
        told = [line + chance.choice(AROUND) for line in chance.sample(lines, chance.randint(3, 9))]
        text = chance.choice(OPENERS) + told[0]
        for one in told[1:]:
            text += chance.choice(LINKS) + one
        texts.append(text + chance.choice(CLOSERS))
    return texts


def alarms(texts: list[str], *, written: bool) -> list[str]:
    return [text for text in texts if advise(LEXICON, text, written=written).priority is Priority.EMERGENCY]


@pytest.mark.parametrize("written", [False, True], ids=["told", "written"])
def test_long_ordinary_narratives_raise_hardly_an_alarm(written: bool) -> None:
    texts = long_narratives(11)
    false = alarms(texts, written=written)
    assert len(false) <= MOST * len(texts), false[:20]


def test_service_requests_of_new_york_raise_hardly_an_alarm() -> None:
    if NEW_YORK is None:
        pytest.skip("no shared data beside the checkout: 4,999 service requests not read")
    with NEW_YORK.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("Complaint Type", "Descriptor", "Location Type", "Resolution Description")
    counted = Counter(". ".join(filter(None, (row[column] for column in columns))) for row in rows)
    false = alarms(list(counted), written=False)
    assert sum(counted[text] for text in false) <= MOST * len(rows), false

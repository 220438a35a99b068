"""Whether a text is about an estate that the directory does not know: over many names, words for estates and turns of
speech, in both scripts and in English."""

from itertools import product
from random import Random

import pytest

from hotline.triage.model.places.other_estates import is_about_other_estate
from tests.triage.seeded import seeded_lexicon

PLACES = seeded_lexicon("ruiquan").places
NAMES = (
    "阳光", "金色", "翠湖", "碧水", "锦绣", "银杏", "滨江", "东方", "丽都", "康宁", "福星", "万和", "恒大", "龙湖", "蓝光", "保利",
    "香樟", "桂花", "世纪", "幸福", "和谐", "南湖", "麓山", "望江", "紫荆", "海棠", "云溪", "观澜", "盛世", "华侨", "玉龙", "长青",
)  # fmt: skip
KINDS = ("小区", "花园", "家园", "苑", "公寓", "新村", "山庄", "嘉园", "华府", "名邸", "社区", "公馆", "豪庭", "大厦")
NAMES_TRADITIONAL = ("陽光", "錦繡", "銀杏", "濱江", "東方", "麗都", "萬和", "龍湖", "藍光", "長青", "華僑", "觀瀾")
KINDS_TRADITIONAL = ("小區", "花園", "家園", "屋苑", "屋邨", "公寓", "大廈", "豪庭")
NAMES_ENGLISH = (
    "Sunshine", "Riverside", "Green Lake", "Golden", "Maple", "Jade", "Harbour", "Willow", "Lotus", "Bamboo", "Orchid", "Phoenix",
)  # fmt: skip
KINDS_ENGLISH = (
    "Garden",
    "Gardens",
    "Estate",
    "Villas",
    "Mansion",
    "Residence",
    "Apartments",
    "Heights",
    "Court",
    "Manor",
)
THERE = (
    "隔壁{}没水了", "对面{}爆水管了", "旁边的{}停电了", "我住{}，家里停水了", "我家没水了，我住在{}", "{}3栋没水了",
    "我是瑞泉馨城3栋的，隔壁{}没水了", "瑞泉馨城对面的{}停水了", "我妈住隔壁{}，没水了",
    "{}那边5号楼水管爆了，水流了一地", "附近{}都没电了",
)  # fmt: skip
THERE_TRADITIONAL = ("隔籬{}爆水喉", "對面{}停電", "我住喺{}，屋企冇水", "{}3棟冇水", "隔壁嗰個{}冇電")
THERE_ENGLISH = (
    "I live in {} and there is no power",
    "building 3 of {} has no water", "{} building 3, no water", "no water in {}, next door to us",
)  # fmt: skip
BESIDE = ("隔壁", "对面", "旁边的", "附近的", "隔壁那个", "马路对面的", "另外一个", "别的", "相邻的")
BESIDE_TRADITIONAL = ("隔籬", "對面", "隔壁嗰個", "旁邊嘅", "附近嘅")
BESIDE_ENGLISH = ("next-door", "neighbouring", "neighboring", "adjacent", "opposite", "other")
HERE = (
    "瑞泉馨城停水了，隔壁{}也没水", "3栋没水，隔壁{}有水", "我家停水了，隔壁{}也停了", "隔壁{}有水，我们没有水", "{}旁边的3栋没水",
    "我们小区没水了，对面{}都有水", "3栋和隔壁{}都停水了", "不是{}，是瑞泉馨城5栋没水",
)  # fmt: skip
HERE_ENGLISH = (
    "our estate has no water, the neighbours in {} have water", "building 3 next to {} has no water",
    "no water in building 5, {} has water",
)  # fmt: skip
BARE = (
    "{}没水了",
    "今天早上{}停水了",
    "请问{}什么时候来水",
    "{}水管爆了",
    "{}冇水",
    "no water in {}",
    "{} has no water",
)
NO_NAMES = (
    "水管爆裂小区停水了", "没有通知小区就停水了", "凌晨三点小区停水了", "停水三天小区没人管", "大清早小区没水", "周末小区又停水",
    "打雷之后小区停电", "施工小区停水", "检修小区没水", "二期小区停水了", "北区花园没水", "整片小区都停了", "老年公寓没水",
    "人才公寓停水", "共耕小区没水", "凤凰小区停水", "水管爆裂小区3栋没水", "北区花园3栋停水", "二期小区5号楼没水",
    "several apartments have no water", "both apartments are without water", "the upstairs apartments have no water",
)  # fmt: skip
OURS = (
    "我们小区没水了", "小区停水了", "整个小区都没水", "今天早上小区停水了", "瑞泉馨城小区没水了", "瑞泉小区没水", "小区花园里水管爆了",
    "楼下花园的水管爆了", "中心广场水管爆了", "社区没水", "我们社区3栋停水", "现在小区还没来水", "本小区停电", "花土村停水了",
    "物业小区没水了", "隔壁邻居家也没水", "对面3栋没水", "隔壁单元停电了", "对面楼停水了", "我哋屋苑冇水", "呢個屋苑停電",
    "our estate has no water", "the whole estate has no water", "the estate is without water", "no water in our community",
    "the pipe in the community garden burst", "my neighbour next door has no water", "no water in Ruiquan Xincheng community",
)  # fmt: skip


def told(frames: tuple[str, ...], names: tuple[str, ...], kinds: tuple[str, ...], joint: str = "") -> list[str]:
    """Every frame and every kind with every name, a third of them: which, is always the same."""
    every = [frame.format(f"{n}{joint}{k}") for frame, n, k in product(frames, names, kinds)]
    return sorted(Random(7).sample(every, len(every) // 3))


def missed(texts: list[str]) -> list[str]:
    return [text for text in texts if not is_about_other_estate(PLACES, text)]


@pytest.mark.parametrize("frame", THERE)
def test_an_estate_with_a_name_of_its_own(frame: str) -> None:
    assert missed(told((frame,), NAMES, KINDS)) == []


@pytest.mark.parametrize("frame", THERE_TRADITIONAL)
def test_an_estate_with_a_name_of_its_own_in_traditional_characters(frame: str) -> None:
    assert missed(told((frame,), NAMES_TRADITIONAL, KINDS_TRADITIONAL)) == []


@pytest.mark.parametrize("frame", THERE_ENGLISH)
def test_an_estate_with_an_english_name_however_it_is_written(frame: str) -> None:
    texts = told((frame,), NAMES_ENGLISH, KINDS_ENGLISH, " ")
    assert missed([*texts, *map(str.lower, texts)]) == []


def test_an_estate_without_a_name_beside_ours() -> None:
    texts = [f"{beside}{kind}没水了" for beside, kind in product(BESIDE, ("小区", "社区", "院子", "公寓", "楼盘"))]
    texts += [f"{beside}{kind}冇水" for beside, kind in product(BESIDE_TRADITIONAL, ("小區", "屋苑", "屋邨", "大廈"))]
    for kind in ("estate", "community", "compound", "complex"):
        texts += [f"the {beside} {kind} has no water" for beside in BESIDE_ENGLISH]
        texts += [
            f"no water in the {kind} {behind}"
            for behind in ("next door", "across the road", "next to ours", "opposite")
        ]
    assert missed(texts) == []


def test_where_our_own_place_is_told_of_another_estate_shows_the_way_or_is_told_beside() -> None:
    texts = told(HERE, NAMES, ("小区", "花园", "公寓")) + [frame.format("小区") for frame in HERE[:4]]
    texts += told(HERE_ENGLISH, NAMES_ENGLISH, ("Garden", "Estate"), " ")
    assert [text for text in texts if is_about_other_estate(PLACES, text)] == []


@pytest.mark.parametrize("text", OURS)
def test_a_word_for_an_estate_alone_means_ours(text: str) -> None:
    assert not is_about_other_estate(PLACES, text)


def test_a_name_alone_is_not_taken_for_another_estate() -> None:
    texts = [*told(BARE[:5], NAMES, KINDS), *told(BARE[5:], NAMES_ENGLISH, KINDS_ENGLISH, " "), *NO_NAMES]
    assert [text for text in texts if is_about_other_estate(PLACES, text)] == []


def test_the_address_counts_as_well_as_the_text() -> None:
    assert is_about_other_estate(PLACES, "没水了", "阳光花园3栋")
    assert is_about_other_estate(PLACES, "没水了", "阳光花园")
    assert not is_about_other_estate(PLACES, "没水了", "瑞泉馨城3栋")


def test_every_community_of_a_street_knows_its_own_name_and_those_of_the_others() -> None:
    town = seeded_lexicon("liucheng")
    named = [town.places.labels[code][0] for code in town.places.communities]
    assert len(named) == 15
    assert [name for name in named if is_about_other_estate(town.places, f"{name}停水了")] == []
    assert is_about_other_estate(town.places, "瑞泉馨苑3栋停水了")

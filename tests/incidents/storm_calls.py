"""Made-up calls of one storm: three hundred people tell of one burst main in their own words, among three hundred calls
about everything else. Built from parts, so that no two sentences of the main are alike; the order is fixed by a seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# (where, what is seen, what follows, what is asked) of each way of speaking
_MANDARIN = (
    (
        "",
        "北大门口",
        "共耕网格这边",
        "瑞泉馨城门口",
        "菜市门口",
        "5栋楼下",
        "我们6栋门前",
        "7栋旁边的路上",
        "8栋前面",
        "中心广场边上",
        "社区大门外",
        "咱们小区外面的马路",
    ),
    (
        "主水管爆了",
        "自来水管爆裂了",
        "地下的水管炸开了",
        "路中间的管子破了在喷水",
        "供水主管道断了",
        "水管爆裂，水喷得有两层楼高",
        "路面下的水管爆了",
        "自来水主管破裂",
        "地下管道爆了，水直往上喷",
        "总管爆了",
        "有根大水管破了",
        "水从地底下喷出来",
        "路面鼓起来，水往外冒",
        "爆管了",
    ),
    (
        "水漫了一条街",
        "满街都是水",
        "整条路都淹了",
        "水流得到处都是",
        "家里一滴水都没有",
        "水都流到车道上了",
        "出门要蹚水",
        "楼上都停水了",
        "水哗哗地流了快半小时",
        "人行道走不了",
        "好大的水",
        "白白浪费多少水",
    ),
    (
        "赶紧派人来修",
        "快来关总阀",
        "请尽快处理",
        "什么时候能修好",
        "有人来管吗",
        "麻烦通知自来水公司",
        "请帮忙反映一下",
        "几点能来水",
    ),
)
_DIALECT = (
    (
        "",
        "北门口",
        "5栋下头",
        "我们6栋门口",
        "7栋那边",
        "8栋前头",
        "菜市边边上",
        "坝坝头旁边",
        "小区门口那条路",
        "大门口",
    ),
    (
        "水管子爆了",
        "自来水管子遭爆了",
        "水管炸了",
        "那根大管子烂了在飙水",
        "地下头的管子爆了",
        "主水管断咯",
        "管子破了，水飙起多高",
        "路上的水管爆咯",
        "水从地头冒出来",
        "爆管咯",
    ),
    (
        "到处都是水",
        "水流得满坝都是",
        "一条街都是水",
        "屋头莫得水了",
        "淹了好大一片",
        "走都走不得",
        "水哗哗哗的流",
        "鞋子都打湿完了",
    ),
    ("快点喊人来修嘛", "哪个来管一下嘛", "赶紧来关阀门", "好久修得好哦", "啥子时候来水", "搞快点嘛", "麻烦你们了"),
)
_CANTONESE = (
    ("", "北門口", "5棟樓下", "6棟門口", "屋企樓下條路", "街市門口", "8棟前面", "小區門口"),
    (
        "爆水管呀",
        "條水管爆咗",
        "地下條喉爆咗，啲水不停噴出嚟",
        "主水管爆裂",
        "水管爆咗，噴到成層樓咁高",
        "自來水管穿咗，周圍噴水",
        "有條大水喉爆咗",
    ),
    ("成條街都係水", "啲水流到周圍都係", "屋企冇水用", "行都行唔到", "浸晒條路", "嘥晒啲水"),
    ("快啲叫人嚟整啦", "唔該快啲嚟關水掣", "幾時整得好呀", "有冇人理㗎", "麻煩派人跟進"),
)
_ENGLISH = (
    (
        "",
        "By the north gate ",
        "In front of building 5 ",
        "Near building 6 ",
        "Outside the market ",
        "On our street ",
        "At building 7 ",
        "Right by the square ",
    ),
    (
        "a water main burst",
        "the water main has broken",
        "there is a burst pipe under the road",
        "a big water pipe broke",
        "the main is gushing water",
        "water is spraying out of the ground",
        "a pipe burst in the road",
        "a ruptured water main is flooding the road",
    ),
    (
        "water is everywhere",
        "the whole street is wet",
        "the road is covered with water",
        "we have no water at home",
        "it has been running for half an hour",
        "nobody can walk there",
    ),
    (
        "please send somebody",
        "please shut it off",
        "when will it be repaired?",
        "is anybody on it?",
        "can you tell the water company?",
    ),
)
WAYS: dict[str, Sequence[tuple[str, ...]]] = {
    "mandarin": _MANDARIN,
    "dialect": _DIALECT,
    "cantonese": _CANTONESE,
    "english": _ENGLISH,
}
_SHARES = (("mandarin", 0.5), ("dialect", 0.25), ("cantonese", 0.1), ("english", 0.15))
IN_DANGER = (
    "5栋门口水管爆了，有个老人被水冲倒了，爬不起来，头在流血",
    "The burst pipe by building 6 knocked a man over, he is unconscious and not breathing",
)

_BUILDINGS = [f"{n}栋" for n in range(1, 29)]
_ORDINARY = (
    "{b}电梯坏了，一直停在一楼", "{b}{u}单元的灯不亮了", "{b}楼下有人打麻将，吵得睡不着", "有人把车停在{b}门口，挡到路了", "{b}旁边的垃圾桶满了没人收",
    "{b}楼道里堆了好多纸箱", "{b}{u}单元门禁刷不开", "{b}有人在楼道里给电瓶车充电", "{b}下水道堵起了，臭得很", "{b}楼上漏水，天花板都泡坏了",
    "{b}楼顶漏雨，墙都花了", "{b}邻居装修，中午还在打电钻", "{b}楼下的狗一直叫", "物业费是怎么收的", "{b}厨房里的水龙头坏了，关不紧", "请问低保怎么申请",
    "我想问下房产证什么时候办", "{b}前面的树枝挡到窗子了", "道闸抬不起来，车出不去", "{b}跳舞的音响太大声", "请问图书室几点开门", "{b}这层停电了，别家都有电",
    "{b}高空抛物，砸到我晾的衣服", "{b}有老鼠，晚上跑来跑去", "健身器材的螺丝松了", "{b}家里打不燃火，是不是停气了", "过渡费啥时候发", "{b}草坪都枯了没人浇水",
    "要表扬{b}的保安，帮我提东西", "建议在门口多装两盏路灯", "the lift in {b} is out of order", "loud music in {b} every night", "rubbish has not been collected at {b}",
    "my car is blocked by another at {b}", "how do I apply for the elderly canteen", "{b}嘅電梯壞咗", "{b}隔籬裝修好嘈", "{b}屋头的热水器不出热水", "{b}的路灯黑黢黢的",
    "{b}走廊有人抽烟，味道大", "地砖坏了，老人容易绊倒", "充电桩充不起电", "请帮我查一下养老金到账没有", "{b}洗手间的下水管漏水，滴到楼下了", "幼儿园门口接送时太堵",
    "想预约周末的篮球场", "{b}{u}单元楼梯扶手松了", "有人在{b}楼下烧纸", "{b}水压小，洗澡出水慢", "景观水池的水发臭",
)  # fmt: skip


@dataclass(frozen=True)
class StormCall:
    """A call: when it came, in seconds from the first; `main`: it is about the burst main."""

    at: float
    phone: str
    narrative: str
    main: bool
    danger: bool = False


def main_narratives(count: int, seed: int = 7) -> list[str]:
    """So many different tellings of the burst main."""
    chance, found = random.Random(seed), dict[str, None]()
    ways = [name for name, _ in _SHARES]
    weights = [share for _, share in _SHARES]
    while len(found) < count:
        name = chance.choices(ways, weights)[0]
        found.setdefault(_sentence(name, chance))
    return list(found)


def _sentence(way: str, chance: random.Random) -> str:
    where, seen, follows, asked = (chance.choice(part) for part in WAYS[way])
    comma = ", " if way == "english" else "，"
    parts = [where + seen]
    if chance.random() < 0.75:
        parts.append(follows)
    if chance.random() < 0.6:
        parts.append(asked)
    greeting = {"mandarin": "你好", "dialect": "喂", "cantonese": "喂你好", "english": "Hello"}[way]
    if chance.random() < 0.25:
        parts.insert(0, greeting)
    return comma.join(parts)


def ordinary_narratives(seed: int = 11) -> Iterator[str]:
    """Calls about everything else, without end."""
    chance = random.Random(seed)
    while True:
        yield chance.choice(_ORDINARY).format(b=chance.choice(_BUILDINGS), u=chance.randint(1, 3))


def storm(main: int = 300, ordinary: int = 300, minutes: float = 10, seed: int = 3) -> list[StormCall]:
    """The storm in the order of time. Two calls of the main tell that somebody is in danger."""
    chance = random.Random(seed)
    told = [(text, True, False) for text in main_narratives(main - len(IN_DANGER))]
    told += [(text, True, True) for text in IN_DANGER]
    others = ordinary_narratives()
    told += [(next(others), False, False) for _ in range(ordinary)]
    moments = sorted(chance.uniform(0, minutes * 60) for _ in told)
    chance.shuffle(told)
    return [
        StormCall(at, f"139{n:08d}", text, main=main, danger=danger)
        for n, (at, (text, main, danger)) in enumerate(zip(moments, told, strict=True))
    ]

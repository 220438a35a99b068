"""Long texts: complaints of many sentences raise no alarm, and an emergency told at their end does."""

import pytest

from hotline.organisation.model.vocabulary import Danger
from hotline.triage.model.advising import advise
from hotline.triage.model.danger.reading import LONG_TEXT
from tests.triage.test_danger_frames import LEXICON

RESIDENTS = (
    "您好，我是三期七栋的业主，入住快六年了。我们这栋楼的问题反映过很多次，去年三月物业换了公司以后更是没有人管。"
    "楼道的灯坏了一半，晚上回家全靠手机照亮，我母亲腿脚不好，扶着墙走。消防通道长期停着车，垃圾两三天才收一次，"
    "夏天味道大得很。上个月业委会开会说要用维修基金换门禁，到现在也没有下文。孩子放学要从那条路过，路面坑坑洼洼，"
    "下雨就积水。绿化带的草长得比人高，蚊子多得很。"
    "我们不是无理取闹，就是希望有人给个说法。"
)
SHOP = (
    "我在菜市场旁边开了一家小店，做了十几年。从前年开始，隔壁的烧烤摊每天下午就把桌子摆到人行道上，油烟往我店里灌，"
    "客人都不愿意进来。城管来过几次，来的时候收了，走了又摆出来。市场管理方说不归他们管，街道说已经上报，社区让我们"
    "自己协商。我打热线打了五六次，每次都说转给相关部门。上周我又去问，窗口的人说系统里查不到我的单子。做点小生意不容易，"
    "请你们查一下到底是哪个环节出了问题，能不能给一个明确的答复。我每天都在店里，电话也打得通。"
)
SICHUAN = (
    "喂，我想反映一哈我们院坝头的事情哈。我们这个院子是老院子，九几年修的，住的都是些老年人。前头修地铁把路挖了两三回，"
    "灰大得很，晾个衣服都晾不成。下水道一到热天就返臭，社区喊人来掏过，掏了管不到一个月。还有就是那几家养鸡的，早上四五点"
    "就叫，吵得人瞌睡都睡不成。说了也不听，还说他屋头养了几十年了。楼上那家装修，电锤从早打到黑，墙上的画都震歪了。"
    "我们都是些老实人，也不想跟哪个扯筋，就想请你们来个人看一哈，该管的管一哈。"
)
CANTONESE = (
    "你好，我係住喺四座嘅住戶，想投訴管理處。大堂部冷氣機由上年壞到而家，搵過佢哋好多次，次次都話排緊期。信箱俾人撬過，"
    "閉路電視又話冇影到。樓下嗰間茶餐廳朝早五點幾就開始搬貨，嘈到成棟樓都瞓唔到。垃圾房啲門成日冇閂，啲味攻晒上嚟。"
    "我阿媽坐輪椅，斜路個扶手鬆咗好耐都冇人整。管理費就年年加，服務就年年差，街坊開過會，個個都好嬲。"
    "麻煩你哋幫手跟進，睇下可唔可以約個時間傾下。朝早我都喺屋企，夜晚六點後都得。多謝晒。"
)
ENGLISH = (
    "Good morning, I am writing on behalf of the tenants of block nine. Since we moved in four years ago the stairwell has never been "
    "painted, the bicycle shed leaks and the bins are emptied once a week at best. In 2023 the management promised a new entry system "
    "and we paid for it in advance. Nothing happened. The road in front of the school was dug up three times last year, and every time "
    "it was closed again with a different surface. My mother uses a walker and cannot cross it when it rains. We would like to know who "
    "is responsible, what the schedule is, and whether the fee can be paid back."
)
LIVE = [
    (RESIDENTS, "另外，刚才我们楼下电表箱在冒烟，噼噼啪啪地响。", Danger.FIRE),
    (RESIDENTS, "我正打着字，对门的婆婆倒在楼梯口了，喊不答应。", Danger.MEDICAL),
    (RESIDENTS, "还有，电梯里关着两个学生，出不来。", Danger.LIFT),
    (RESIDENTS, "等一下，楼上好像打起来了，有人拿刀砍人。", Danger.VIOLENCE),
    (RESIDENTS, "对了，地下车库进水了，水都齐腰了，还有人在里面出不来。", Danger.WATER),
    (SHOP, "说到这里店里煤气味好大，我头有点昏。", Danger.GAS),
    (SHOP, "外面撞车了，骑电瓶车的躺在地上不动，流了好多血。", Danger.TRAFFIC),
    (SHOP, "我现在就站在楼顶边上，我不想活了。", Danger.SELF_HARM),
    (SHOP, "隔壁的招牌刚刚掉下来，砸到一个过路的，头都打破了。", Danger.COLLAPSE),
    (SHOP, "我女儿三岁，在店门口走丢了，到处都找不到。", Danger.MISSING),
    (SICHUAN, "哎呀，灶屋头燃起来了，火都窜到房顶了。", Danger.FIRE),
    (SICHUAN, "先不说了，我老汉儿出不到气了，嘴皮都乌了。", Danger.MEDICAL),
    (SICHUAN, "还有个事，堰塘头落了个娃儿，还没捞起来。", Danger.WATER),
    (SICHUAN, "遭了，电线断了搭到水头，有个人遭电倒了。", Danger.ELECTRIC),
    (CANTONESE, "等陣，隔籬屋火燭呀，成條走廊都係煙。", Danger.FIRE),
    (CANTONESE, "啱啱我阿媽喺廁所暈低咗，嗌佢冇反應。", Danger.MEDICAL),
    (CANTONESE, "而家樓下有人揸住把刀斬人。", Danger.VIOLENCE),
    (ENGLISH, "As I write this the flat above us is on fire and people are shouting from the window.", Danger.FIRE),
    (ENGLISH, "Please come, my father just collapsed in the hall and he is not breathing.", Danger.MEDICAL),
    (ENGLISH, "Sorry, there is a strong smell of gas in the kitchen right now.", Danger.GAS),
]
MIDDLE = [
    (RESIDENTS, "刚才三楼的人从窗子摔下去了，躺在花坛里。", Danger.MEDICAL),
    (SHOP, "现在店里着火了，火很大。", Danger.FIRE),
    (SICHUAN, "才将墙垮了，压到一个人。", Danger.COLLAPSE),
]
ORDINARY = [RESIDENTS, SHOP, SICHUAN, CANTONESE, ENGLISH]
OVER = [
    (RESIDENTS, "去年十月七号楼着过火，消防来扑灭了，赔偿到现在没有谈好。"),
    (SHOP, "2022年店门口塌过一次，压伤了我的雇工，判决已经下来了，我想问执行的事。"),
    (SICHUAN, "那年子涨水淹了一楼，屋头的东西都泡烂了，补助一直没有发。"),
    (
        ENGLISH,
        "In 2021 there was a fire in the bicycle shed and a boy was hurt, and the insurance claim is still open.",
    ),
]


@pytest.mark.parametrize(("before", "live", "danger"), LIVE)
def test_an_emergency_at_the_end_of_a_long_text_is_found(before: str, live: str, danger: Danger) -> None:
    assert len(before) > LONG_TEXT
    assert danger in advise(LEXICON, before + live).dangers


@pytest.mark.parametrize(("around", "live", "danger"), MIDDLE)
def test_an_emergency_in_the_middle_of_a_long_text_is_found(around: str, live: str, danger: Danger) -> None:
    begins, ends = around.split("。", 1)
    assert danger in advise(LEXICON, f"{begins}。{live}{ends}").dangers


@pytest.mark.parametrize("text", ORDINARY)
def test_a_long_complaint_raises_no_alarm_and_asks_nothing(text: str) -> None:
    advice = advise(LEXICON, text)
    assert (advice.dangers, advice.ask) == ((), ())


@pytest.mark.parametrize(("before", "told"), OVER)
def test_what_is_over_raises_no_alarm_in_a_long_text(before: str, told: str) -> None:
    assert advise(LEXICON, before + told).dangers == ()


@pytest.mark.parametrize(("before", "live", "danger"), LIVE)
def test_a_long_written_text_asks(before: str, live: str, danger: Danger) -> None:
    advice = advise(LEXICON, before + live, written=True)
    assert danger not in advice.dangers
    assert danger in {asked.danger for asked in advice.ask}


def test_matters_of_one_sentence_that_have_nothing_to_do_with_each_other_raise_no_alarm() -> None:
    text = (
        "我想说几件事，三号楼的路灯从月初就不亮，井盖一压就响，孩子放学回家要绕一大圈，接娃的车停三排，"
        "堵得一动不动，护栏被车撞坏一段，没人来换，公告栏里只有小广告"
    )
    assert advise(LEXICON, text).dangers == ()


def test_what_stands_in_two_clauses_of_a_long_sentence_counts_where_it_is_now() -> None:
    text = (
        "我想说几件事，电梯里贴满小广告，三号楼的路灯从月初就不亮，门口有棵树歪了，物业说下周来，"
        "井盖一压就响，刚才电梯停了，里面有人"
    )
    assert Danger.LIFT in advise(LEXICON, text).dangers

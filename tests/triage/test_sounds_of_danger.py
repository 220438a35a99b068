"""Words that speech recognition wrote by their sound: dangers are found in them, and ordinary words of the same sound
are none."""

import pytest

from hotline.text.sounds import SoundFinder
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import SOUND_LIST
from tests.triage.test_danger_frames import DIRECTORY, LEXICON

GARBLED = [
    "我家厨房着货了，快来救人",
    "楼道里毛烟了，好大一股",
    "对面楼起伙了，火苗都出来了",
    "电瓶车充电的时候暴炸了",
    "灶上的没气漏了，屋里一股味",
    "天燃气卸漏了，好大的味道",
    "有人出电了，倒在地上",
    "师傅醋电了，手都黑了",
    "水坑里楼电，娃娃被麻到了",
    "我们被捆在电梯里出不来",
    "电题卡住了，里头有人",
    "我妈运倒了，喊不答应",
    "爷爷混倒在厕所门口",
    "老伴昏谜了，怎么叫都叫不新",
    "娃娃抽出，口吐白沫",
    "孩子抽触了，翻白眼",
    "老人修克了，脸色惨白",
    "他制息了，脸都紫了",
    "我爸没有呼西了",
    "我老公心更了，胸口痛",
    "奶奶种风了，半边身子动不了",
    "有人逆水了，快点",
    "小孩洛水了，看不到头",
    "他要跳漏，站在窗台上",
    "她割碗了，流了好多血",
    "女儿想自沙，门反锁了",
    "她喝了弄药，吐白沫",
    "他吃了一瓶安免药",
    "有人看人，拿着刀追",
    "楼下有人捅仁了，满地是血",
    "他持道闯进来了",
    "楼上有人拿着道冲过来，要砍人",
    "门口打价，头都打破了",
    "我被抢结了，包没了",
    "孩子被绑驾了，有人勒索",
    "老人走诗了，有老年痴呆",
    "房子倒踏了，里面有人",
    "后山泥时流冲下来，埋了两个人",
    "发生车获了，人卡在车里",
    "他们房子踏方了，底下有人",
]
ORDINARY = [
    "你们几点上班，我下午过来看人工窗口",
    "有没有起货的码头电话",
    "我想问下货运电梯能不能用",
    "大家都说这个活动搞得好",
    "孩子在看动画片里的人物",
    "麻烦帮我看一下社保",
    "请问没气的车胎在哪里充",
    "点踢馆的门票怎么买",
    "这道题目抽出来讲一下",
    "报告里抽出几条来说",
    "我要出店的时候忘了拿伞",
    "露点温度怎么查",
    "十字路口中间的风景树剪一下",
    "中锋的比赛门票哪里买",
    "世宗大王的展览几点开",
    "运到门口的快递没人签收",
    "家具运到楼下了没人搬",
    "学校放大假几天",
    "打假的电话是多少",
    "大价钱买的冰箱坏了",
    "落水管堵了",
    "楼店的招牌太亮",
    "加包邮费多少钱",
    "会计说报销单不对",
    "旧人家具回收电话",
    "那些煮饭的大姐很辛苦",
    "车货匹配平台怎么注册",
    "这批货着实不错",
    "水泥是哪家的",
    "点梯子借一下可以不",
    "走失物招领在哪儿",
    "走时忘了关灯",
    "包扎店在哪里",
    "到底什么时候修好",
    "护膝在哪里买",
    "流泻下来的瀑布灯带好看",
    "时钟慢了十分钟",
    "龙岩到成都的车几点",
    "照火把节的照片在哪儿看",
    "打结的毛线怎么解开",
    "试种的花死了",
    "是中午还是下午办",
    "湖西路的公交改线了",
    "复习资料能不能借",
    "父系亲属证明怎么开",
    "知悉了谢谢",
    "芫荽多少钱一斤",
    "适合老人的活动有哪些",
    "重逢的老战友想聚会",
    "始终没人接电话",
    "迟到了能不能补考",
    "猫眼坏了请物业换一个",
    "每期的停车费开票",
    "装到一半的空调没人管",
    "装到车上的货清点一下",
    "上调工资的通知",
    "周四开会是几点",
    "十种蔬菜涨价了",
    "大街上的广告太多",
    "找活干的农民工去哪里登记",
]


@pytest.mark.parametrize("text", GARBLED)
def test_a_garbled_danger_is_found(text: str) -> None:
    assert advise(LEXICON, text).dangers


@pytest.mark.parametrize("text", ORDINARY)
def test_words_that_sound_like_a_danger_are_none(text: str) -> None:
    advice = advise(LEXICON, text)
    assert (advice.dangers, advice.ask) == ((), ())


def test_the_ordinary_words_are_needed() -> None:
    """Without them many of these sentences would be read as a danger that they only sound like."""
    unguarded = SoundFinder(DIRECTORY.word_lists[SOUND_LIST].words, ())
    guarded = LEXICON.sounds
    assert sum(bool(unguarded.restore(text)[1]) for text in ORDINARY) > 30
    assert sum(bool(guarded.restore(text)[1]) for text in ORDINARY) < 6
    assert sum(bool(guarded.restore(text)[1]) for text in GARBLED) > 30

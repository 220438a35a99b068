"""Words that speech recognition wrote by their sound: dangers are found in them, and ordinary words of the same sound
are none."""

from functools import cache
from importlib import resources
from random import Random

import pytest

from hotline.text.pinyin import PinyinReader
from hotline.text.sounds import SoundFinder, fold_syllable
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
    "三楼露气了好大一股味",
    "厨房的管子卤气，闻起脑壳痛",
    "孩子掉进排水狗里了",
    "她赫了农药，快来人",
    "有人从楼顶挑下来了",
    "有人踩空调到井里去了",
    "隔壁阿姨触店了，躺在地上抽",
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
NEIGHBOURS = [
    "二楼的绿漆掉了一块",
    "鹿其路口的红绿灯坏了",
    "露骑行道上停满了车",
    "三楼卤菜店的味道好大",
    "我的车胎露气了，哪里可以补",
    "空调露气了，不制冷，找谁修",
    "有人买了票进不去公园",
    "隔壁的人卖了房子，车位怎么过户",
    "老人买了保健品想退",
    "师傅来调下水压，好久没来",
    "请人调进水阀，水太小",
    "物业把路灯亮度调下去了，老人看不清",
    "我爸腰伤了在家休养，问工伤怎么报",
    "腰伤鉴定在哪里做",
    "电线短了一截，装不了灯",
    "电线短了接不上",
    "我拿到看了一下，快递是坏的",
    "我把钱花下去没有效果",
    "他被调到河南工作了，社保怎么转",
    "老师调到江北的学校去了",
    "领导被调到水利局了，哪个负责",
    "我们在河边钓到大鱼",
    "桥面跨度多大",
    "跨江大桥什么时候通车",
    "老师夸了我家孩子",
    "房子夸张得很，装修成城堡",
    "楼塔灯不亮",
    "孩子画到水里的画展几点开",
    "他把货搬到下来的车上",
    "没起了床就有人敲门推销",
    "每期了解一下进度",
    "打断起了争执的会议",
    "人满了进不去图书馆",
    "手背家长打了招呼",
    "有人吊到树上的灯笼没取",
    "调到合理的温度，空调太冷",
    "成下去年的台账交不上",
    "瓦丝灯坏了",
    "围墙他们刷了漆",
    "楼他们在盖，吵得很",
    "房塔上的钟不走",
    "要冲下厕所，水压不够",
    "充下去话费没到账",
    "车里说话的人太吵",
    "锁车里程怎么算",
    "所车里程表坏了",
    "搞到井里面的水表看不清",
    "他落到合同外的补贴没有",
    "罗列到水费里的垃圾费怎么算",
    "跌到河北省的房价",
    "工资跌到和去年一样",
    "压到任务上的截止日期",
    "人麦了风，话筒声音太大",
    "有人卖了假货给我妈",
    "学校的人买了校服没发票",
    "楼房塔吊几时拆",
    "阳台他没封",
    "墙踏脚线掉了",
    "这个周末被卡主机的机房不开",
    "关在车里的空调怎么省电",
    "管道楼气表坏了",
    "灯泡冒火星不亮了，是不是要换",
    "天然气楼上没通",
]
SPOKEN = [
    "房子垮了压住一家人",
    "房子塌了压到人",
    "墙垮了压住人",
    "楼板塌了有人在里面",
    "学生掉到河里",
    "有人掉进河里",
    "娃儿掉进井里",
    "小孩掉到塘里",
    "老人掉水里了",
    "有人落水了",
    "有人滑到河里",
    "瓦斯漏了一屋子味",
    "煤气漏了味道好大",
    "燃气泄漏了快来",
    "天然气漏气了",
    "厨房着火了",
    "电瓶车着火了",
    "楼道冒烟了",
    "车库起火了",
    "楼上冒黑烟",
    "煤气罐爆炸了",
    "有人触电了",
    "电线漏电了打到人",
    "电梯困住人了",
    "我们被困电梯里",
    "爷爷晕倒了",
    "我妈昏迷了",
    "爸爸没呼吸了",
    "孩子抽搐了",
    "老人中风了",
    "我爸心梗了",
    "有人跳楼了",
    "有人要跳河",
    "她割腕了",
    "他上吊了",
    "她喝农药了",
    "有人砍人了",
    "有人拿刀杀人",
    "他们打架了流血",
    "有人抢劫了",
    "孩子被绑架",
    "老人走失了",
    "孩子失踪了",
    "出车祸了有人受伤",
    "货车撞人了",
    "有人坠楼了",
    "山体滑坡了埋了人",
    "泥石流来了",
    "洪水冲走人了",
    "氯气泄漏了",
    "一氧化碳中毒了",
    "煤气中毒了",
    "孩子噎住了",
    "小孩卡住了出不来",
    "工人摔下来了",
    "老人摔倒了流血",
    "树倒了压到人",
    "狗咬人了流血",
    "有人持刀闯进来",
    "她要轻生",
    "他不想活了",
    "有人溺水了",
    "孩子沉下去了",
    "有人被车撞飞",
    "水淹到胸口了",
    "孩子被锁车里",
    "有人掉下去了",
    "电线断了冒火",
    "变压器爆炸了",
    "他掐脖子打我",
    "老公打我救命",
    "有人跟踪我",
    "孕妇大出血了",
    "羊水破了",
    "孩子吐血了",
    "手被机器绞了",
    "脚被压住了",
]
PINYIN = [
    "zhao huo le",
    "zhao huo le kuai lai",
    "zhaohuole chufang",
    "wo jia chu fang zhao huo le",
    "lou dao li quan shi yan",
    "dian ti li kun le ren",
    "women bei kun zai dianti li",
    "you ren luo shui le",
    "you ren diao he li le",
    "wo ba yun dao le mei hu xi",
    "mei qi lou le hao da wei dao",
    "tian ran qi xie lou",
    "you ren na dao kan ren",
    "ta yao tiao lou",
    "wo bu xiang huo le",
    "wo ma he nong yao le",
    "fang zi ta le ya dao ren le",
    "fangzi kua le you ren bei mai",
    "chu che huo le ren qia zai li mian",
    "you ren chu dian le",
    "wa wa diao jin jing li le",
    "jiu ming you ren sha ren",
    "da jia le liu le hao duo xue",
    "wo lao gong da wo jiu ming",
    "bao zha le hao da de yan",
    "qiang jie le ta na dao",
    "hai zi bu jian le",
    "lao ren zou shi le",
    "xin zang bing fa zuo le",
    "ni shui le you ren",
    "dian ti ka zu le wo men zai li mian",
]
ORDINARY_PINYIN = [
    "dian ti huai le ji tian le",
    "lu deng bu liang",
    "shui guan lou shui",
    "la ji mei ren shou",
    "ting che fei tai gui le",
    "wo xiang wen yi xia she bao",
    "ni hao qing wen ji dian shang ban",
    "jing gai huai le mei ren xiu",
    "lou shang tai chao le",
    "huo guo dian tai chao",
    "ran qi fei zen me jiao",
    "bao an tai du bu hao",
    "hai zi shang xue zen me bao ming",
    "she can hang me",
    "he ran a long pan",
    "wu ye bu guan ting dian le",
]
SYLLABLES = {
    character: line.split(" ")[0]
    for line in resources.files("hotline.text").joinpath("sounds.txt").read_text("utf-8").splitlines()
    for character in line.split(" ")[1]
}
COMMON = sorted(set("".join(SPOKEN + GARBLED + ORDINARY)) - set("是的了不在我你他她它和都也就这那很"))
_KEPT = frozenset("有人我们孩子老了他她爷爸妈娃儿小快来里")  # what a recogniser nearly always gets right
_RUNS = 20  # garbled texts of each spoken one


@pytest.mark.parametrize("text", GARBLED)
def test_a_garbled_danger_is_found(text: str) -> None:
    assert advise(LEXICON, text).dangers


@pytest.mark.parametrize("text", ORDINARY + NEIGHBOURS)
def test_words_that_sound_like_a_danger_are_none(text: str) -> None:
    advice = advise(LEXICON, text)
    assert (advice.dangers, advice.ask) == ((), ())


def test_the_ordinary_words_are_needed() -> None:
    """Without them many of these sentences would be read as a danger that they only sound like."""
    unguarded = SoundFinder(DIRECTORY.word_lists[SOUND_LIST].words, ())
    guarded = LEXICON.sounds
    assert sum(bool(unguarded.restore(text)) for text in ORDINARY) > 30
    assert sum(bool(guarded.restore(text)) for text in ORDINARY) < 6
    assert sum(bool(guarded.restore(text)) for text in GARBLED) > 30


@cache
def sound(character: str) -> str:
    return fold_syllable(SYLLABLES.get(character, ""))


def is_noticed(text: str) -> bool:
    advice = advise(LEXICON, text)
    return bool(advice.dangers or advice.ask)


def garbled(text: str, random: Random) -> str:
    """The text with one or two characters written as others of the same sound, n and l, zh and z alike."""
    written = list(text)
    places = [at for at, character in enumerate(text) if character not in _KEPT and sound(character)]
    for at in random.sample(places, min(len(places), random.choice((1, 1, 2)))):
        written[at] = random.choice([c for c in COMMON if sound(c) == sound(text[at])] or [text[at]])
    return "".join(written)


def test_dangers_are_heard_through_most_errors_of_sound() -> None:
    random = Random(7)
    texts = [garbled(text, random) for text in SPOKEN for _ in range(_RUNS)]
    missed = [text for text in texts if not is_noticed(text)]
    assert len(missed) <= 0.12 * len(texts), missed


@pytest.mark.parametrize("text", PINYIN)
def test_a_danger_in_pinyin_is_noticed(text: str) -> None:
    assert is_noticed(text)


@pytest.mark.parametrize("text", ORDINARY_PINYIN)
def test_ordinary_pinyin_and_english_raise_nothing(text: str) -> None:
    assert not is_noticed(text)


def test_each_word_that_is_looked_for_by_its_sound_is_noticed_in_pinyin() -> None:
    """Where the word itself raises an alarm, so does its spelling."""
    for entry in DIRECTORY.word_lists[SOUND_LIST].words:
        word, _, reading = entry.partition("=")
        syllables = reading.replace("_", " ") or " ".join(SYLLABLES.get(character, "?") for character in word)
        if "?" not in syllables and is_noticed(f"有人{word}了"):
            texts = (f"you ren {syllables} le", f"{syllables} le kuai lai ren", f"wo jia {syllables} le kuai dian")
            assert any(map(is_noticed, texts)), word


def test_pinyin_is_read_whether_or_not_syllables_stand_apart() -> None:
    reader = PinyinReader(["着火=zhao huo", "厨房"], lambda: ["快来"])
    assert reader.read("chufang zhao huo le, kuailai") == "厨房着火了,快来"
    assert reader.read("cu fang kuai lai") == "厨房快来"
    for text in ("the kitchen is on fire", "ni hao", "厨房 zhao huo le", "", "x" * 10_000, "a " * 10_000):
        assert reader.read(text) is None

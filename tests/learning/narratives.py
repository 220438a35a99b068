"""Dated, seeded narratives of a quarter with what a person made of each: subjects, troubles and turns of speech put
together by chance, so that later weeks hold wordings the earlier ones did not."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

PEOPLE = ("desk-a", "desk-b", "desk-c", "desk-d")
# category -> (kind, department, what it is about, what is wrong with it)
MATTERS: dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "hj-rubbish": ("complaint", "cleaning", ("桶桶", "投放点", "楼下那堆东西", "装修渣子", "旧沙发", "果皮纸屑", "快递盒盒", "the bins"),
        ("没人来收", "堆成山了", "苍蝇乱飞", "味道熏人", "摆了几天还在", "收运车不来", "nobody collects")),
    "hj-sewer": ("request", "property-works", ("厨房地漏", "厕所", "阴井盖下面", "化粪的池子", "负一楼的管子", "排水沟", "the drain"),
        ("往上返", "流不下去", "冒黑水", "咕噜咕噜冒泡", "臭水漫出来", "通了又堵", "backs up")),
    "lh-branches": ("request", "greening", ("黄葛树", "窗前那棵桉树", "银杏", "楼前的大树", "竹子", "the tree"),
        ("伸到阳台来了", "遮得屋里没光", "打到玻璃", "长到三楼了", "叶子落一地", "该剪了", "blocks the light")),
    "wx-light": ("request", "property-works", ("过道的灯", "单元门口的灯", "声控的那个", "花园边的灯杆", "楼梯转角", "the lamp"),
        ("拍手也不燃", "一闪一闪", "晚上黑黢黢", "白天也亮着", "灯罩掉了", "摸黑走路", "stays dark")),
    "wx-gate": ("request", "property-works", ("刷脸的机器", "单元的铁门", "门口那个机子", "闭门器", "蓝牙开门", "the entrance door"),
        ("认不到人", "关不拢", "弹得哐哐响", "卡刷了没反应", "快递员随便进", "锁舌卡死", "will not open")),
    "dt-fault": ("request", "property-works", ("轿厢", "上下楼的那个", "按键板", "一号梯", "货梯", "the lift"),
        ("一抖一抖", "停半层", "门反复开合", "按了不走", "吱嘎吱嘎叫", "坏了两天", "keeps stopping")),
    "tc-illegal": ("complaint", "security", ("面包车", "外来车辆", "一辆白色越野", "送货的三轮", "僵尸车", "a van"),
        ("横在路中间", "占了我的位", "压着盲道", "把消火栓挡了", "停在坡道口", "几个月不挪", "parked across")),
    "zy-noise": ("complaint", "residents-affairs", ("楼上娃娃", "隔壁的音响", "麻将桌", "半夜的直播", "钢琴", "the neighbour"),
        ("跳来跳去", "放到凌晨", "咚咚咚", "吵得老人心慌", "说了也不听", "天天如此", "all night long")),
    "zy-dogs": ("complaint", "residents-affairs", ("大黄", "没拴绳的金毛", "楼里养的几只", "泰迪", "流浪的", "a big dog"),
        ("追小孩", "到处拉", "见人就叫", "在电梯口撒尿", "没有打针", "主人不管", "off the lead")),
    "wy-fee": ("enquiry", "property", ("一平方多少", "账单", "空置房", "多收的那笔", "去年的票", "the bill"),
        ("怎么算的", "可以打折不", "要求退", "在哪儿交", "想对一下数", "开发票不", "how is it worked out")),
    "az-title": ("enquiry", "residents-affairs", ("本本", "红本", "不动产的那个证", "办证的尾款", "过户手续", "the title deed"),
        ("好久下来", "要带啥子去", "在哪个窗口", "名字写错了", "可以加娃娃名字不", "拖三年了", "when will it come")),
    "sb-elderly": ("request", "residents-affairs", ("老年食堂", "送餐", "八十岁的妈", "助浴", "高龄补贴", "my mother's meals"),
        ("怎么报名", "今天没送到", "菜太硬", "想申请", "停了一个月", "上门服务有没有", "how to sign up")),
}  # fmt: skip
OPENERS = (
    "",
    "",
    "你好，",
    "喂，",
    "麻烦问一下，",
    "我是业主，",
    "我想反映一下，",
    "师傅，",
    "又来打扰了，",
    "hello, ",
)
PLACES = (
    "",
    "",
    "3栋",
    "7栋2单元",
    "12号楼",
    "我们这边",
    "北门进来",
    "小区里头",
    "二期",
    "16栋楼下",
    "车库边上",
    "东边",
)
CLOSERS = (
    "",
    "",
    "，麻烦处理",
    "，谢谢",
    "，都反映三回了",
    "，请尽快",
    "，给个说法嘛",
    "，我年纪大了",
    "，please help",
)


@dataclass(frozen=True)
class Told:
    """A narrative, and what a person made of it: `category`, `kind`, `department` by `by`."""

    at: datetime
    text: str
    category: str
    kind: str
    department: str
    by: str


def told(chance: random.Random, at: datetime, category: str | None = None) -> Told:
    """One narrative of that moment."""
    code = category or chance.choices(list(MATTERS), [1 / (n + 2) for n in range(len(MATTERS))])[0]
    kind, department, subjects, troubles = MATTERS[code]
    # some say only what is wrong, or name a second thing in passing
    subject = chance.choice(subjects) if chance.random() < 0.85 else ""
    trouble = chance.choice(troubles) if subject == "" or chance.random() < 0.9 else ""
    aside = ""
    if chance.random() < 0.1:
        aside = "，不是" + chance.choice(MATTERS[chance.choice(list(MATTERS))][2]) + "的事"
    text = chance.choice(OPENERS) + chance.choice(PLACES) + subject + trouble + aside + chance.choice(CLOSERS)
    return Told(at, text, code, kind, department, chance.choice(PEOPLE))


def quarter(seed: int, begins: datetime, a_day: int = 12, days: int = 91) -> Iterator[Told]:
    """`a_day` narratives on each day, in the order of time."""
    chance = random.Random(seed)
    for day in range(days):
        for n in range(a_day):
            yield told(chance, begins + timedelta(days=day, minutes=n * 60 * 24 // a_day))

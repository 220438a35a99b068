"""The words beside a place that say what it has to do with the matter, as tables.

A pattern that ends in "$" is searched in the few characters before a mention; one for what stands behind is matched at
its end. All is folded text.
"""

import re
from collections.abc import Iterable


def _any(words: Iterable[str]) -> str:
    return "|".join(words)


# --- who speaks, and where they live
_SELF = ("我", "俺", "咱", "偶", "本人", "自己")
_STAYING = (
    "住", "在", "是", "家", "屋头", "屋里?", "系", "喺", "个", "嘅", "就", "也", "都", "现在", "目前", "一直",
    "平时", "本来", "里",
    "楼", "这栋", "那栋", "这幢", "们", "的", "人", "这边", "这里", "那边", "刚才", "刚刚", "说", "站", "到", "从", ",",
)  # fmt: skip
_DROPPED_SUBJECT = ("家住", "住", "家在", "人在", "本人住", "业主")
_I_AM = (
    "live", "stay", "calling", "call", "writing", "resident", "also", "now", "currently", "work", "a", "both", "here",
)  # fmt: skip
_MY_HOME = ("home", "flat", "house", "apartment", "place", "address")
SPEAKER = re.compile(
    rf"(?:{_any(_SELF)})(?:{_any(_STAYING)}){{0,6}}$"
    rf"|(?:^|[,。;、的])(?:{_any(_DROPPED_SUBJECT)})(?:在|到)?$"
    rf"|\b(?:i|we)(?:'m|'re| am| are)?(?: (?:{_any(_I_AM)}))*(?: (?:in|at|from|on|of))?(?: the)?(?: home)? ?$"
    rf"|\bmy (?:{_any(_MY_HOME)})(?: is)?(?: (?:in|at))? ?$"
)
_KIN = (
    "妈", "爸", "爹", "娘", "老汉", "父母", "父亲", "母亲", "老公", "老婆", "爱人", "儿子", "女儿", "娃儿?", "孩子",
    "奶奶", "爷爷", "外婆",
    "外公", "婆婆", "公公", "孙子", "孙女", "姐", "妹", "哥", "弟", "舅", "姨", "朋友", "亲戚", "老人", "岳父",
    "岳母", "丈母娘", "婆", "爷",
)  # fmt: skip
_KIN_STAYING = (
    "们", "他们", "她", "他", "家", "屋头", "也", "就", "还", "一个人", "两个", "独自", "现在", "住", "在", "是",
    "到", "里",
)  # fmt: skip
_KIN_EN = (
    "mother", "father", "mom", "mum", "dad", "parents", "son", "daughter", "wife", "husband", "grandmother",
    "grandfather", "grandma", "grandpa", "sister", "brother", "friend", "aunt", "uncle",
)  # fmt: skip
FAMILY = re.compile(
    rf"(?:我|俺|咱)(?:们|家)?(?:的)?(?:{_any(_KIN)}){{1,3}}(?:{_any(_KIN_STAYING)}){{1,5}}$"
    rf"|\bmy (?:{_any(_KIN_EN)})(?: (?:is|are|lives?|stays?|alone|in|at|who|also))* ?$"
)

# --- it is not there
NOT = re.compile(
    r"(?<!是)(?:不是|不在|并非|没在|不住|不属于|唔系|唔喺|冇喺|莫在|不该是|不应该是)"
    r"(?:说|讲|指|我们|在|的|我|去|那个|发生在|了)?$"
    r"|(?:n't|\bnot|\bnever)(?: (?:in|at|from|on|about|the|for))* ?$|\b(?:instead of|rather than)(?: the)? ?$"
)
# there is none of that name; what one has not got of that place denies nothing (没有5栋的钥匙)
NONE = re.compile(r"(?<!是)(?:没有|没得|冇)(?:说|讲|指|我们|在|我|那个)?$")
OF_IT = re.compile(r"(?:那边|这边|那里|里面?|楼上|楼下|门口)?[的嘅][^,。;!?\s]")
EXCEPT = re.compile(r"(?:除了|除开|除去|除)$|\b(?:except|except for|apart from|other than)(?: the)? ?$")
ASKED = re.compile(r"(?:吗|嘛|么)$")  # 不是说3栋停水吗 denies nothing
DENIED = re.compile(
    r"(?:以外|之外)|(?:那边|那里)?(?:并?不是|唔系)(?=$|[,。;、!的]|那)"
    r"|(?: is|'s| was)?(?:n't| not) (?:it|the one|right)\b"
)
_ALL_WELL = (
    "没得?事", "没问题", "没有问题", "莫得事", "无事", "冇事", "正常", "好的", "好好的", "不影响", "没影响",
    "没受影响", "修好", "修起了",
    "弄好", "恢复了", "通了", "来[水电气]了", "没停", "不停", "没断", "没漏", "没坏", "没堵", "不漏",
    "有[水电气](?=$|[,。;、的了啊!嘞])", "有热水",
)  # fmt: skip
_BEFORE_ALL_WELL = ("那里", "那边", "这边", "都", "也", "已经", "就", "现在", "的", "倒是", "是", "水电")
_ALL_WELL_EN = ("fine", "ok", "okay", "normal", "not affected", "all right", "alright", "working")
UNAFFECTED = re.compile(
    rf"(?:{_any(_BEFORE_ALL_WELL)}){{0,4}}(?:{_any(_ALL_WELL)})"
    rf"|,? (?:is|are|was|were)(?: (?:all|still|just))? (?:{_any(_ALL_WELL_EN)})\b"
    r"|,? (?:has|have|still has) (?:power|water|gas|electricity)\b"
)
_TAKING_BACK = (
    "说错", "讲错", "报错", "打错", "写错", "记错", "搞错", "弄错", "看错", "口误", "更正", "纠正", "应该是$",
    "应该系$", "唔系,",
)  # fmt: skip
_SIGH = ("哦", "噢", "啊", "呃", "额", "嗯", "诶", "哎呀?", "唉", "喔")
_TAKING_BACK_EN = (
    r"sorry\b", r"i mean\b", r"correction\b", r"no,? wait\b", r"wait, no\b", r"scratch that\b",
    "no,? (?:it's|it is|make that)", "actually,? (?:it's|it is|i mean)",
)  # fmt: skip
TAKEN_BACK = re.compile(
    rf"{_any(_TAKING_BACK)}|(?:{_any(_SIGH)})不(?!错)|(?:^|[,。;!?~、 …-])(?:{_any(_SIGH)})?(?:不对|不不|不,)"
    rf"|\b(?:{_any(_TAKING_BACK_EN)})"
)

# --- it was there, or somebody came by
_EARLIER = (
    "上次", "上回", "之前", "以前", "原来", "原先", "本来", "早先", "前年", "去年", "过去", "曾经", "上个月", "上一次",
    "last (?:time|year|month|week)", "used to", "before,?",
)  # fmt: skip
PAST = re.compile(rf"(?:{_any(_EARLIER)})[^,。;]{{0,6}}$")
# what somebody reported before this call
REPORTED = re.compile(
    r"(?:昨天|前天|上午|早上|刚才|刚刚|上次|上周|前几天|之前|昨晚)"
    r"[^,。;]{0,4}(?:报|反映|投诉|打电话说|说)(?:修|警|障)?的?(?:是)?$"
)
PAST_BEHIND = re.compile(
    r"[^,。;]{0,4}(?:上次|上回|上周|上个?月|之前|以前)|,? (?:last (?:time|week|month|year)|before|yesterday)\b"
)
GOES = re.compile(
    r"(?:去|往|回|前往|赶到|送到|寄到|投到|派到|开到|走到|跑到)$"
    r"|\b(?:go|going|went|walk(?:ing)?|driv(?:e|ing)|on (?:my|the) way)(?: back)? to(?: the)? ?$"
)
# somebody tells where they are now, and not where the danger is; of folded text, or as it was written
_WENT = (
    "下楼", "下来", "出来", "出去", "撤", "跑到", "跑出", "逃到", "逃出", "躲到", "躲在", "转移",
    "疏散", "离开", "走到", "去了", "到了",
    "在[^,，。；;!！\\n]{0,16}(?:等|集合|空地|门口|大门)",
)  # fmt: skip
_WENT_EN = ("waiting", "wait", "went", "gone", "moved", "ran", "left", "evacuated", "got out", "came down", "outside")
HAS_GONE = re.compile(rf"{_any(_WENT)}|\b(?:{_any(_WENT_EN)})\b", re.IGNORECASE)
WAY = re.compile(r"(?:的)?(?:路上|途中)|去了?$|(?:上班|上学|开会|办事|买菜|接娃|接人)?$")
# where somebody works or goes to school, beside the place that is told of
WORKS_AT = re.compile(r"(?:上班|工作|打工|值班|读书|上学|做事|干活)(?:就|都|是)?(?:在|于|喺)$")
WORKS_THERE = re.compile(
    r"(?:那边|这边|里面?)?(?:上班|工作|打工|值班|读书|上学|开店|摆摊|做生意|接娃|接孩子|买菜|开会|办事)"
)
# where somebody else is, or what somebody came by, beside the place that is told of
AWAY = re.compile(
    r"(?:孩子|娃儿?|儿子|女儿|孙子|孙女|老公|老婆|爱人|我爸|我妈)(?:还|现在|都|正|就)?在$"
    r"|(?:开车|骑车|走路|散步|跑步|我|刚才?|正)?(?:经过|路过|走过|开过)$"
)
GOING = re.compile(r"(?:要|想|准备|打算|正|正要)(?:去|到|进|回|往)$")
ADJOINED = re.compile("的(?:那[栋幢座个],?)?(?:是)?")
FROM = re.compile(r"(?:从|打|由)$")
COMES = re.compile(
    r"[^,。;]{0,5}?(?:出来|出门|出发|下来|过来|走(?!到)|开出|回来|搬|进来|进去|进门|出去|往|右拐|左拐|左转|右转|左手|右手|直走)"
)
WALKS_ON = re.compile(
    r"进来|进去|进门|出来|出去|出门|往[东南西北左右前后里外上下]|右拐|左拐|左转|右转|左手|右手|直走|过去"
)

# --- it is where somebody else comes from
_SAYING = (
    "说", "讲", "反映", "反应", "投诉", "告诉", "跟我", "给我", "打电话", "喊我", "来电", "报告", "发现", "看到",
    "看见", "听到", "闻到",
    "话",
)  # fmt: skip
SAYS = re.compile(
    rf"[^,。;]{{0,12}}?(?:{_any(_SAYING)})"
    r"|,? (?:who )?(?:says?|said|told|tells?|reports?|reported|called|complains?|mentioned|noticed|saw)\b"
)
_SOMEBODY = (
    "man", "woman", "lady", "guy", "neighbou?rs?", "people", "person", "someone", "somebody", "friend", "residents?",
    "boy", "girl", "kids?", "child", "children", "tenants?", "owner", "dog", "cat", "car", "they", "those", "he",
    "she", "cleaner", "guard",
)  # fmt: skip
SOMEBODY_FROM = re.compile(rf"\b(?:{_any(_SOMEBODY)})(?: who (?:lives?|is))?(?: (?:from|in|at|of))(?: the)? ?$")
_OWNED = (
    "人", "狗", "犬", "猫", "鸡", "车", "货车", "电瓶车", "住户", "业主", "邻居", "小孩", "娃儿?", "孩子", "老人",
    "老头", "老太", "男", "女",
    "租客", "装修", "婆婆", "嬢嬢", "大爷", "师傅", "居民", "保安", "保洁", "租户", "小伙", "妹", "大妈",
)  # fmt: skip
OWNS = re.compile(
    r"[^,。;的那嘅]{0,6}(?:的|那|嘅)(?:那?[家个只条辆台些户]|一[家个只条辆]|某个|有个|几[个只条辆])?"
    rf"(?:{_any(_OWNED)})|(?:晾|扔|甩|丢|掉|飘|吹|流)[^,。;]{{0,6}}(?:到|在|下|去)"
)
BELONGS_TO = re.compile(r"(?:主|主人|人|狗|猫|车|家|他|她|司机)(?:就|好像|可能|应该|听说|都)?(?:是|系|住)$")
# who is looked for, and where somebody else lives, whose doing is told of in the same clause
SEEKS = re.compile(r"(?:找|问|问过|问了|认识|联系|联系了|喊|叫|碰到|遇到)$")
SOUGHT = re.compile(
    r"的(?:那?[个位]|一个)?(?:楼长|网格员|楼栋长|栋长|单元长|物业|管家|保安|邻居|业主|住户|人|师傅|朋友|同事|亲戚)"
)
LIVES = ("住在", "住", "住到", "租在")
LIVES_THERE = re.compile(
    r"的(?:那个|那家|那户|那位|几个|一家)?(?:人|人家|住户|业主|女的|男的|小伙|租客|邻居)"
)  # 住在6栋的那个人
OTHERS_HOME = re.compile(
    r"(?:他|她|佢|他们|车主|狗主人?|主人|对方|那家人?|那个人|那个女的|那个男的)(?:家)?(?:是|就住|住|住在|家在)$"
)
MOVES_TO = re.compile(r"(?:在|到|进|往|向|去|把|路过|经过|扔|丢|甩|堵|给)[了起在到]?(?:我们?|咱们?|俺)?(?:这边)?$")

# --- it shows where another place is
_BESIDE = (
    "旁边", "边上", "边边", "侧边", "对面", "斜对面", "对门", "隔壁", "附近", "门口", "门前", "后面", "后头", "背后",
    "前面", "前头", "楼下", "对着", "正对着",
    "楼脚", "楼后", "楼前", "外面", "外头", "周边", "那边", "这边", "侧面", "正对", "下面", "上面", "里面", "底下",
)  # fmt: skip
BESIDE = re.compile(rf"(?:的)?(?:{_any(_BESIDE)}){{0,2}}(?:的|嘅)?(?:那个|那|这个|这)?")
LIES_AT = re.compile(
    r"(?:那一?边|那一?面|那头|这边)?(?:,)?(?:紧)?(?:挨|靠|临|邻|对|朝|向|近|贴|隔)(?:到|着|近|倒|斗|住|起|边)?$|(?:跟|和|与|同)$"
)
WITH = ("跟", "和", "与", "同")
ADJOINS = re.compile(r"(?:紧)?(?:挨|靠|相邻|接壤|相接|邻)(?:到|着|近|倒|斗|住|起)?")
_NEAR_TO = (
    "near", "next to", "beside", "behind", "opposite", "by", "in front of", "close to", "across from",
    "at the back of", "outside", "under", "below", "above", "of", "facing", "towards?",
)  # fmt: skip
NEAR_TO = re.compile(rf"\b(?:{_any(_NEAR_TO)})(?: the)? ?$")

# --- what is the matter there, and who saw it
FAULT = re.compile("[漏停断坏堵爆响吵臭没淹裂塌掉破冒烧偷打撞烂]")
SEES = re.compile("看到|看见|发现|听到|听见|闻到|瞧到|见到|反映|举报|投诉|路过|经过|望到")

# --- the whole estate, and where two streets meet
_ESTATES, _ALL = ("小区", "社区", "院子"), ("所有", "全部", "所有的", "全部的")
_ESTATES_EN = ("estate", "community", "compound", "complex")
WHOLE_ESTATE = frozenset(
    (
        *(f"{whole}{estate}" for whole in ("整个", "全", "我们这个", "我们", "本") for estate in _ESTATES),
        *(f"小区{inside}" for inside in ("里", "内", "头", "门口", "大门")),
        *(f"{every}{buildings}" for every in _ALL for buildings in ("楼栋", "楼", "栋")),
        "每栋", "每栋楼", "每一栋", "每一栋楼", "各栋",
        *(f"{whole} {estate}" for whole in ("whole", "entire") for estate in _ESTATES_EN),
        "all building", "all buildings", "every building", "every buildings",
    )
)  # fmt: skip
ALL_OF_IT = ("整个", "全", "所有", "每", "各", "whole", "entire", "all", "every")
CROSSING = re.compile(
    "(?:的)?(?:路口|街口|十字)?(?:交界|交叉|交汇|交接|路口|转角|拐角|街口|十字路口|丁字路口)"
    r"|,? (?:crossing|junction|intersection|corner)\b"
)
CORNER_OF = re.compile(r"\b(?:corner|crossing|junction|intersection) of(?: the)? ?$")
AND = re.compile(r"\s?(?:和|跟|与|同|、|到|/|and|&)\s?(?:the )?")
RANGE = re.compile(r"\s?(?:到|至|~|[-–—]|to|through|一直到)\s?")

# --- what stands between
CLAUSE_END = re.compile(r"[,。;!?:()\n]|(?<=\.)\s")
NAMED_ONLY = ("", ",", " ", "。", "的", ":")  # behind a name: nothing is said of that place itself
POSSESSIVE = ("的", "嘅", "嘞")
# between two parts of one address
WITHIN = re.compile(
    r"[\s,/、的:()-]{0,3}|,?\s?(?:in|of|on|at|is)?\s?(?:the\s)?|[,、]?(?:那边|这边|里面?|上面?|,?门牌)?"
)
SAME_PLACE = re.compile(r"(?:小区|社区|院子)?(?:的|那边的?|这边的?|里面?的?)?[\s,]{0,2}")

"""The words of speech about estates that a directory does not know, as tables. All is folded text."""

import re

NAME_LENGTH = 8  # characters before the word for an estate that may be its name

# --- the words for an estate. Of the first kind each may speak of ours, too, and has a name of two characters at least
_COMMON_KINDS = (
    "小区", "社区(?!医|食堂|活动|工作|干部|书记|主任|民警|服务|卫生|小[^区])", "院子", "大院", "楼盘", "屋苑", "屋村",
    "屋邨", "公寓", "宿舍", "花园", "大厦", "小镇", "街道", "广场(?!舞)", "镇(?!政府|上|里)",
    "村(?![民委里口头道支干])",
)  # fmt: skip
_NAMED_KINDS = (
    "家园", "嘉园", "花苑", "佳苑", "雅苑", "苑", "山庄", "庄园", "公馆", "华府", "御府", "府邸", "官邸", "名邸",
    "豪庭", "华庭", "雅居", "名居", "新居", "新村", "新城", "名城", "馨城", "名都", "丽景", "半岛", "水岸", "邨",
    "别墅", "国际(?=$|[没冇停断那也都的,。]|小区|社区)",
    # ordinary words too, but right before a building
    r"(?:城|郡|轩|湾|墅|(?<![政学官])府|(?<![家法])庭)"
    r"(?=(?:那边|的|嘅|[\s,]){0,2}[\d零〇一二两三四五六七八九十百廿卅]{1,4}(?:号楼|[栋幢座]))",
)  # fmt: skip
KIND = re.compile(rf"(?P<common>{'|'.join(_COMMON_KINDS)})|(?P<named>{'|'.join(_NAMED_KINDS)})")
# what such a word begins with: to search for one of these characters is ten times as quick as to search for the words
KIND_BEGINS = re.compile(f"[{''.join({word[0] for word in (*_COMMON_KINDS, *_NAMED_KINDS)} - {'('})}城郡轩湾墅府庭]")
# what a name does not hold: the words around it
BOUNDARY = re.compile(
    "[我你您他她它咱俺们哋的嘅个这那哪𠮶呢啲每某各住在系是喺从到去回往进出被把让给跟与也就又还没冇停断了着过吗吧"
    "呀啊哦么说讲问请叫]|都(?=.)|隔壁|隔篱|对面|旁边|附近|周边|邻近|相邻|其他|其它|别的|另外"
)
# what stands right before such a word and is no name
_ORDINARY = (
    "(?<![万康泰中永义祥谐平仁顺元太安])和", "城中", "今天", "昨天", "前天", "明天", "每天", "今早", "今晚", "昨晚",
    "早晨", "凌晨", "中午", "下午", "上午", "半夜", "现在", "目前", "刚才", "刚刚", "突然", "忽然", "一直", "经常",
    "已经", "可能", "好像", "因为", "所以", "如果", "但系", "为何", "关于", "影响", "反映", "投诉", "发现", "导致",
    "属于", "麻烦", "师傅", "居民", "业主", "物业", "住户", "住宅", "封闭", "管理", "高档", "安置", "拆迁", "回迁",
    "商品房", "单身", "员工", "职工", "学生", "所有", "全部", "部分", "我家", "自己", "楼下", "门口", "中心", "中央",
    "屋顶", "空中", "街心", "私家", "公共", "市民", "文化", "休闲", "健身", "人民", "城镇", "当地", "同一", "整体",
    "小区", "社区", "上周", "本周", "建议", "感谢", "谢谢", "自称", "学校", "希望", "开始", "咨询", "反应", "通过",
    "经过", "路过", "离开", "对于", "首先", "然后", "最近", "近来", "连续", "再次", "大家", "邻居", "电梯", "停车",
    "出租", "左右", "东边", "西边", "南边", "北边", "附近", "旁边", "周围", "水管", "路灯",
)  # fmt: skip
_ORDINARY_ONE = "同上下里内外前后新老旧小全整本有一二两三四五六七八九十几多数"
NO_NAME = re.compile(rf"(?:{'|'.join(_ORDINARY)})$|^.$(?<=[{_ORDINARY_ONE}大中县市商])")
NO_NAME_OF_COMMON = re.compile(rf"(?:{'|'.join(_ORDINARY)}|[{_ORDINARY_ONE}])$")
# what no name holds: what is wrong, when, a part of an estate, whom a house is for
NOT_IN_NAME = re.compile(
    "停[水电气]|[漏爆坏断堵裂淹冲]|没[水电气]|施工|检修|维修|抢修|打雷|下雨|暴雨|周末|节后|清早|大早|[零〇一二两三四五六七八九十几\\d]{1,4}"
    "(?:天|点|日|周|号|期|区|个|分)|[东南西北中]区|整片|老年|人才|青年|长租|通知|共耕|共建|上头|下头|楼[上下]"
)
# what bears a name out: somebody lives there, or a building of it is told
LIVES_IN = re.compile("(?:住|家)(?:在|喺|系|到|的是|嘅系)?$")
BUILDING = re.compile(
    r"(?:小区|社区|那边|里面?|的|嘅|[\s,]){0,3}[\d零〇一二两三四五六七八九十百廿卅]{1,4}[-\d]{0,3}(?:号楼|[栋幢座#]|号院|单元|期)"
)
_BESIDE_IT = (
    "隔壁", "隔篱", "对门", "斜?对面", "对过", "对岸", "旁边", "边上", "侧边", "附近", "周边", "周围", "邻近", "临近",
    "相邻", "毗邻", "别的", "别个", "其他", "其它", "另一", "另外",
)  # fmt: skip
_BETWEEN = "的|嘅|那|𠮶|这|呢|边|个|些|啲|一|几|两|条街|马路|路|街|有|某|,"
BESIDE = re.compile(rf"(?:{'|'.join(_BESIDE_IT)})(?:{_BETWEEN}){{0,4}}$")

# --- the same in English
EN_KIND = re.compile(
    r"\b(?:gardens?|estate|villas?|mansions?|residences?|apartments|heights|manor|community|compound|condominiums?|condo"
    r"|complex|village|court|neighbou?rhood)\b"
)
EN_WORDS = re.compile(r"(?:[a-z][a-z'’-]{0,15} ){1,4}$")
EN_BESIDE = re.compile(
    r"\b(?:next[- ]door|neighbou?ring|adjacent|adjoining|opposite|nearby|another|other|different|next)(?: [a-z]+)? $"
)
EN_BESIDE_BEHIND = re.compile(
    r",? (?:(?:that is|which is|that's|right|just|directly) )?(?:next door|next to (?:us|ours?)|beside (?:us|ours?)"
    r"|behind (?:us|ours?)|opposite(?! (?:side|building|block|unit))|across (?:the|from)|over the (?:road|way|street)"
    r"|nearby|down the road|around the corner|near (?:us|ours?))\b"
)
EN_LIVES_IN = re.compile(r"\b(?:live|lives|living|stay|stays|staying) (?:in|at|over at) (?:the )?$")
EN_BUILDING_OF = re.compile(r"\b(?:building|block|tower|house) ?\w{1,4},? (?:(?:of|in|at) )?(?:the )?$")
EN_BUILDING = re.compile(r",? (?:building|block|tower|house) ?\w{1,4}\b")
EN_ORDINARY = frozenset(
    (
        "the", "a", "an", "our", "my", "your", "their", "his", "her", "its", "this", "that", "these", "those",
        "whole", "entire", "all", "same", "every", "each", "no", "any", "some", "in", "on", "at", "of", "from", "to",
        "for", "with", "and", "or", "but", "is", "are", "was", "were", "has", "have", "near", "by", "into", "around",
        "outside", "inside", "through", "residential", "housing", "gated", "apartment", "local", "front", "back",
        "rear", "roof", "rooftop", "small", "big", "large", "little", "old", "new", "communal", "shared", "central",
        "community", "private", "public", "basketball", "tennis", "badminton", "food", "sports", "residents",
        "estate", "garden", "live", "lives", "when", "if", "because", "so", "now", "here", "there", "water", "power",
        "gas", "electricity", "several", "both", "many", "most", "few", "upstairs", "downstairs", "two", "three",
    )
)  # fmt: skip

# --- us, and what is the matter with us
OURS = re.compile(
    "(?:我|俺|咱)(?:们|哋|家|屋企|屋头|屋里|这|呢)|本(?:小区|社区)|(?:整个|全)(?:小区|社区|院子|屋苑)"
    r"|\b(?:we|our|us|my|here|mine|ours)\b"
)
WRONG_WITH_US = re.compile(
    r"[^,。;!?\n]{0,10}?(?:[漏停断坏堵爆没冇淹裂]|不来)"
    r"|[^,.;!?\n]{0,24}?\b(?:no|not|without|burst|broken|leak\w*|out|too|either)\b"
)
IN_IT = re.compile(r"(?:小区|社区|院子|里|内|里面|那边|那里|的|嘅|[\s,、]){0,3}")
OF_IT = re.compile(r",? ?(?:(?:in|of|at|on) )?(?:the )?")

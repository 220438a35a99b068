"""What the parts of an address look like: patterns over folded text, made of small pieces. `grammar` reads what they
find."""

import re

from hotline.triage.model.places.numerals import CARDINAL, CHINESE, NUMBER_WORDS, ORDINAL

_N = rf"(?:\d{{1,4}}|[{CHINESE}]{{1,6}})"
_BEGIN = rf"(?<![\d{CHINESE}])"  # a number is read whole
_TO = "到|至|~|[-–—]"
_JOIN = rf"(?:{_TO}|、|,|/|以?及|和|跟|与|或者?)"
_LIST = rf"{_N}(?:{_JOIN}{_N}){{0,11}}"
_DASH = r"\s?(?:[-–—/]|横?杠)\s?"
_DOOR = rf"(?:\d{{3,4}}[a-z]?|[{CHINESE}]{{3,6}})"
_SUFFIX = "(?:号房?|室|房)?"
# what is counted, weighed, paid or ridden has no door
_MEASURES = (
    "多", "几", "余", "来个", "元", "块", "人", "户", "米", "平", "度", "%", "个", "名", "万", "公里", "斤", "岁",
    "天(?!天|花板|台)", "次", "分", "点", "年", "路", "班", "号?线", r"[mck]?m\b", "kg", "yuan",
)  # fmt: skip
_MEASURED = rf"(?!\s?(?:{'|'.join(_MEASURES)}))"
_EN = rf"(?:\d{{1,3}}|{CARDINAL})"
_EN_JOIN = r"(?:\s?(?:,|-|–|&|\b(?:and|or|to|through)\b)\s?){1,3}"
_EN_NUMBER = r"\s?(?:no\.?|number|nr\.?|#)?\s?"
# building 3 and 4, but not building 3 and 4 people
_EN_MORE = rf"(?:\s(?:and|or|to|&)\s{_EN}(?=\s?(?:$|[,.;]|(?:have|has|are|is|were|was|both|all|no|without)\b)))?"
# a seat, a vehicle, a bridge: counted with 座 as well
_NOT_SEATS = "(?!楼(?![上下道梯])|[车位椅桥山塔庙城房雕亭岗机钟谈牌客轿]|面包|基站|坟|的?(?:商务|面包|小?车))"
# 楼 behind a number is the building where a unit follows, else a floor
_DASHED = (
    rf"(?<![a-z.:/-])(?P<dashed>{_N})[#栋]?{_DASH}(?P<dashed_unit>\d{{1,2}}|[{CHINESE}]{{1,3}})(?:{_DASH}|单元)"
    rf"(?P<dashed_room>{_DOOR}|\d{{1,2}}(?=[号室])){_SUFFIX}(?![\d{CHINESE}]|{_DASH}\d)"
    rf"|(?<![a-z.:/-])(?P<pair>{_N})#?\s?(?:[-–—]|横?杠)\s?(?P<pair_room>{_DOOR}){_SUFFIX}"
    rf"(?![\d{CHINESE}]|{_DASH}\d){_MEASURED}"
)
# what is told of a building rather than of a numbered thing in it: 8#没电, but 8#电梯
_WRONG = "没|停[水电气]|漏|又|也|都|整|今天|昨|刚才|外面|旁边|前面|后面|楼下|顶楼|底楼"
_BUILDING = (
    rf"(?P<building>{_LIST})"
    rf"(?:[号#]?(?:楼栋|栋|幢|座{_NOT_SEATS})|[号#]楼|#(?=\d|{_N}(?:单元|[楼层])|-|的|[,。]|$|{_WRONG})|[楼号](?={_N}单元)"
    # 栋 as speech recognition hears it, where nothing else can be meant
    rf"|[洞动冻懂东](?={_N}单元))"
)
_UNIT = rf"(?P<unit>{_LIST})号?单元(?!楼价)"
_FLOOR = rf"(?P<floor>{_N})(?:楼|层)(?!栋)"
_ROOM = (
    rf"(?P<room>\d{{1,4}}[a-z]?|[{CHINESE}]{{1,6}})"
    rf"(?:室(?![{CHINESE}\d]厅|[内外友])|号房|房间|房(?![子东租价产屋间客顶]|[{CHINESE}\d]厅))"
)
_GRID = rf"(?P<grid>{_N})号?网格"
_F_FLOOR = r"(?P<f_floor>\d{1,2})/?f(?![a-z\d])"
# what stands behind a number -> the forms it may be
_BY_NUMBER = {
    **dict.fromkeys("栋#", (_DASHED, _BUILDING)),
    **dict.fromkeys("幢座洞动冻懂东", (_BUILDING,)),
    "号": (_BUILDING, _UNIT, _ROOM, _GRID),
    "楼": (_BUILDING, _FLOOR),
    "层": (_FLOOR,),
    "单": (_UNIT,),
    **dict.fromkeys("室房", (_ROOM,)),
    "网": (_GRID,),
    **dict.fromkeys("-–—/杠横 ", (_DASHED, _BUILDING, _UNIT, _F_FLOOR)),
    **dict.fromkeys("、,到至~和跟与及以或", (_BUILDING, _UNIT)),
    "f": (_F_FLOOR, _ROOM),
    **dict.fromkeys("abcdegh", (_ROOM,)),
}
_BY_WORD = (
    rf"(?:楼栋号?|楼号|[栋幢]号)[:是为]?(?P<labelled>{_N})(?:[号#]楼|[栋幢])?",
    rf"单元(?:号[:是为]?|:)(?P<labelled_unit>{_N}|[a-d])",
    rf"(?:房号|房间号?|室号|门牌号?|户号)[:是为]?(?P<labelled_room>{_DOOR}|{_N})",
    "(?P<top>顶楼|顶层)|(?P<bottom>底楼|底层)|(?P<letter_unit>[甲乙丙丁])单元",
    r"(?:说错|打错|写错|讲错)[^\d]{0,6}(?P<corrected>\d{3,4})(?!\d)",
)
_BY_LETTER = (
    r"(?P<lettered>[a-z]\d{0,2})(?:[号#]?(?:栋|幢|座(?!标))|[号#]楼)",
    r"(?P<letter_stairs>[a-d])单元",
    r"(?P<basement>b\d)(?:层|楼)?(?![a-z\d])",
    "(?P<letter_room>[a-h])室",
)
_ENGLISH = (
    rf"(?:building|bldg?\.?|block|blk\.?|tower|house(?=\s?no))(?![a-z]){_EN_NUMBER}"
    rf"(?P<en_building>{_EN}{_EN_MORE}|[a-z](?=\s?(?:$|[,.;]|unit|block|\d)))(?![a-z\d])",
    rf"(?:buildings|bldgs\.?|blocks|blks\.?|towers)\s?(?P<en_buildings>{_EN}(?:{_EN_JOIN}{_EN}){{1,11}})\b",
    rf"(?P<en_ordinal>{ORDINAL})\s(?:building|block|tower)\b(?!\s(?:on|from|to|past|after))",
    rf"(?:(?:no\.?|number)\s?)?(?P<en_numbered>\d{{1,3}}|(?!one\b){CARDINAL})\s(?:building|block|tower)\b",
    rf"(?:unit|entrance|stairwell|staircase)(?![a-z]){_EN_NUMBER}(?P<en_unit>{_EN}|[a-d]\b)\b",
    rf"(?P<en_nth_unit>{ORDINAL})\sunit\b",
    rf"(?:floor|level)\s?(?P<en_floor>{_EN})\b|(?P<en_nth_floor>{ORDINAL})\sfloor\b",
    r"(?P<en_top>top)\sfloor\b|(?P<en_ground>ground)\sfloor\b|(?P<en_basement>basement)(?=\sof\b)",
    rf"(?:room|rm\.?|apt\.?|apartment|flat|suite)(?![a-z]){_EN_NUMBER}"
    rf"(?P<en_room>\d{{1,4}}[a-z]?|[a-z]\d{{1,3}}|{CARDINAL})\b",
    rf"grid\s(?P<en_grid>{_EN})\b",
)
NUMBER_FORMS = {behind: re.compile("|".join(forms)) for behind, forms in _BY_NUMBER.items()}
WORD_FORM, LETTER_FORM, ENGLISH_FORM = (re.compile("|".join(forms)) for forms in (_BY_WORD, _BY_LETTER, _ENGLISH))
# where a part of an address can begin: a number, a Latin word, or one of a few Chinese words
_ANCHOR_WORDS = (
    "楼栋", "楼号", "栋号", "幢号", "单元[号:]", "房号", "房间", "室号", "门牌", "户号", "[顶底][楼层]", "[甲乙丙丁]单",
    "[说打写讲]错",
)  # fmt: skip
ANCHOR = re.compile(rf"(?P<number>\d+|[{CHINESE}]+)|(?P<latin>[a-z]+)|(?P<word>{'|'.join(_ANCHOR_WORDS)})")
# the characters that anchors are made of: most of a text is none of them, and is passed over at once
ANCHOR_RUN = re.compile(rf"[a-z\d{CHINESE}{''.join(c for word in _ANCHOR_WORDS for c in word if c not in '[]')}]+")
# what may stand behind a number or a letter of one character: most of those are an article, or count something
BEHIND_ONE = frozenset((*NUMBER_FORMS, *" srtn"))
ENGLISH_WORDS = frozenset(
    (
        "building", "buildings", "bld", "bldg", "bldgs", "block", "blocks", "blk", "blks", "tower", "towers", "house",
        "no", "number", "unit", "entrance", "stairwell", "staircase", "floor", "level", "top", "ground", "basement",
        "room", "rm", "apt", "apartment", "flat", "suite", "grid", *NUMBER_WORDS,
    )
)  # fmt: skip
# a number that names a room because of what stands before it
BARE_ROOM = re.compile(
    rf"[嘞嘛哈]?[\s,/的-]?(?:(?P<unit>\d{{1,2}}|[{CHINESE}])(?:[-–/]|门)(?={_DOOR}))?"
    rf"(?P<room>{_DOOR}(?:{_SUFFIX}[、,/和跟]{_DOOR}){{0,9}}){_SUFFIX}(?![\d{CHINESE}]|[-–]\d){_MEASURED}"
)
DOOR_JOIN = re.compile("[、,/和跟]")
NUMBERED_ROOM = re.compile(rf"[\s,的]?(?P<room>{_N})号(?![楼栋线门院桌机])")
LETTERED_ROOM = re.compile(r"(?P<room>[a-h])(?:室|座|户|房)")
# numbers before 栋 and 楼 that count, or that belong to a date
COUNTING = re.compile(r"(?:[这那哪几共整另每各某好]|总共|一共|左手边|右手边|进来|进去|数过[来去]|倒数|手边)$")
COUNTED = re.compile(r"[栋幢座]楼(?![上下顶道梯门里前后])|[栋幢座]房")
SOME = re.compile("(?<![只就还])有$")  # 有四栋楼 counts, 只有4栋楼 names one
COUNTED_ALL = re.compile(r"(?<=[二三四五六七八九])[栋幢座]楼(?:都|全|一起|同时)")  # 四栋楼都: four of them
OTHER_NUMBER = re.compile(r"(?:工单|订单|单号|编号|号码|票号|卡号|户号|电话|热线|order|no)\.?[:是为 ]?$")
DATED = re.compile(r"(?:月份?|今天|昨天|明天|前天|星期|周)$")
BELOW = re.compile(r"负$|地下$|(?<![\da-z])-$")
LIST_JOIN = re.compile(rf"((?:{_TO})(?![a-z])|\bto\b|\bthrough\b)|、|,|/|以?及|和|跟|与|或者?|&|\band\b|\bor\b")
RANGE_WORDS = frozenset(("到", "至", "~", "-", "–", "—", "to", "through"))
LONGEST_RANGE = 60
EMERGENCY_NUMBERS = frozenset(("110", "119", "120", "122"))  # 12栋119来过了
ROOM_BEGINS = frozenset(f"0123456789{CHINESE}嘞嘛哈 ,/的-abcdefgh")
YEAR_DOOR = re.compile(r"20(?:1[3-9]|[2-9]\d)|19\d\d")

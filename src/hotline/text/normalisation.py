"""One shadow form for matching and searching: invisible marks and control characters gone, width and case folded,
traditional to simplified, numerals to digits.

The text people wrote is never changed; only its shadow is looked at. Nothing here takes more than linear time.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from operator import add

# Common traditional characters and their simplified forms, pairwise. The rest of the script passes through unchanged.
_PAIRS = (
    "電电話话訊讯號号碼码戶户門门問问題题開开關关間间閉闭閘闸聞闻閃闪閱阅樓楼層层單单場场車车輛辆軌轨轉转輕轻載载輸输"
    "燈灯煙烟燒烧熱热爐炉災灾煤煤氣气漏漏險险陽阳陰阴隊队際际陳陈陸陆隨随難难離离雞鸡雜杂雲云電电靈灵靜静響响頂顶項项順顺須须"
    "預预頭头頻频題题顏颜願愿類类顧顾顯显風风飛飞飯饭飲饮飼饲餘余館馆馬马駐驻駕驾驗验騎骑騙骗驚惊體体髒脏鬆松鬧闹鬥斗鮮鲜鳥鸟"
    "麗丽麥麦黃黄點点黨党齊齐齒齿龍龙龜龟長长張张強强彈弹彎弯當当錄录後后從从復复徑径徵征應应懷怀態态憂忧憤愤懲惩懸悬戰战戲戏"
    "擊击擋挡據据擴扩擾扰攔拦攝摄敗败敘叙數数斷断時时晉晋曉晓暫暂書书會会東东條条來来業业極极構构槍枪樣样標标樹树橋桥機机權权歐欧"
    "歡欢歲岁歷历歸归殘残殺杀殼壳毀毁氈毡氫氢決决沒没況况洩泄涼凉淚泪淨净淺浅測测渾浑湧涌溝沟滅灭滯滞滾滚滿满漢汉漲涨潔洁潛潜潤润"
    "澆浇濃浓濕湿濟济濫滥灑洒灣湾為为無无燙烫爭争爺爷爾尔牆墙狀状獨独獎奖獲获現现瑪玛環环產产畝亩畢毕畫画異异療疗瘋疯癢痒發发"
    "盜盗盡尽監监盤盘眾众睜睁礙碍礦矿確确禮礼禍祸種种稱称穩稳積积窮穷竊窃競竞筆笔節节範范築筑簡简簽签籃篮籠笼糞粪糧粮紀纪約约紅红"
    "紋纹納纳純纯紙纸級级紛纷細细紹绍終终組组結结絕绝絲丝給给統统經经綁绑維维綠绿網网緊紧線线緩缓練练縣县縮缩總总績绩繁繁繞绕繩绳"
    "繼继續续罰罚罵骂羅罗義义習习聖圣聯联聲声職职聽听肅肃腦脑腫肿腳脚膠胶膽胆臉脸臟脏臨临臺台與与興兴舉举舊旧艙舱艱艰莊庄華华萬万"
    "葉叶葷荤蒼苍蓋盖蔣蒋薦荐藍蓝藝艺藥药蘇苏處处虛虚蟲虫蠟蜡術术衛卫衝冲補补裝装裡里製制複复褲裤襯衬襲袭見见規规視视覺觉觀观觸触"
    "訂订計计討讨訓训記记訟讼設设許许訴诉診诊詐诈評评詞词試试詢询該该詳详誇夸認认誌志誤误說说誰谁課课調调談谈請请諒谅論论諮咨證证"
    "譜谱識识警警譯译議议護护讀读變变讓让豐丰豬猪貓猫貝贝負负財财貢贡貧贫貨货販贩貪贪責责貴贵買买貸贷費费貼贴賀贺賊贼賓宾賞赏賠赔"
    "賣卖質质賭赌賴赖購购贈赠贊赞趕赶趙赵跡迹踐践躍跃軍军軟软較较輔辅輪轮辦办農农邊边達达遷迁過过運运違违遠远適适遲迟遺遗鄉乡鄰邻"
    "醫医釀酿釋释針针釣钓鈴铃鉛铅銀银銅铜銷销鋪铺鋼钢錢钱錯错鍋锅鍵键鎖锁鎮镇鏡镜鐘钟鐵铁鑰钥鑽钻閥阀陣阵階阶隱隐雖虽霧雾韓韩"
    "頸颈頒颁飄飘養养駁驳騰腾鬱郁鹽盐麼么齡龄歎叹併并佈布佔占係系侖仑倉仓個个們们倫伦偉伟側侧偵侦偷偷傑杰傘伞備备傳传債债傷伤傾倾"
    "僅仅僱雇價价儀仪億亿儘尽優优兒儿內内兩两冊册凍冻凱凯別别刪删則则剛刚創创劃划劇剧劉刘劍剑勁劲動动務务勝胜勞劳勢势勵励匯汇區区"
    "協协卻却厭厌廠厂廢废廣广廚厨廳厅參参雙双吳吴呂吕員员唄呗啓启啞哑喪丧喬乔營营嗎吗嗆呛嘆叹噴喷嚇吓嚴严囉啰國国圍围園园圓圆圖图"
    "團团執执堅坚報报塊块塗涂墊垫墜坠墮堕壓压壘垒壞坏壩坝壯壮壽寿夠够夢梦夥伙夾夹奪夺奧奥婦妇媽妈嬰婴孫孙學学寧宁寫写實实審审寬宽"
    "寶宝將将專专尋寻對对導导屆届屍尸屬属岡冈島岛峽峡幣币帥帅師师帳帐帶带幫帮幹干幾几庫库廁厕彙汇徹彻恆恒悶闷惡恶惱恼慘惨慣惯慮虑"
    "慶庆憑凭憲宪懶懒拋抛挾挟捨舍掃扫掛挂採采揀拣揚扬換换損损搖摇搶抢摟搂摔摔撈捞撐撑撥拨撲扑擁拥擇择擔担擠挤擬拟擺摆攤摊癱瘫碰碰"
    "棟栋櫃柜竄窜嘩哗擱搁攜携漬渍濺溅燜焖牆墙瓏珑畝亩癱瘫皺皱睏困碼码禿秃稅税窩窝籬篱縫缝纖纤罐罐聳耸腸肠膚肤蓆席蘆芦蚊蚊袜袜覆覆詭诡謊谎讒谗貌貌賬账踢踢蹤踪遛遛遙遥鄧邓醜丑鋸锯錘锤鍊链閒闲陰阴頓顿顛颠飆飙驢驴鬚须鴨鸭鵝鹅"
    "姦奸殲歼癌癌髮发裏里淹淹鬍胡紮扎纜缆纏缠壇坛墳坟溫温滲渗澱淀瀝沥瀉泻灘滩爛烂牽牵犧牺獸兽瘡疮皺皱盞盏礎础禦御蝕蚀"
)
_SIMPLE = {ord(_PAIRS[i]): _PAIRS[i + 1] for i in range(0, len(_PAIRS), 2)}
_TRADITIONAL = re.compile(f"[{_PAIRS[::2]}]")
_DIGITS = {
    c: d
    for d, chars in enumerate(("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for c in chars
}
# the look-behind keeps this linear: a run of numerals is tried once, from its beginning
_NUMERAL = re.compile(
    r"(?<![零〇一二三四五六七八九十百])[零〇一二三四五六七八九十百]+(?=[栋幢号单元楼层室村期区组门路环街])"
)
_CJK = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK = re.compile(rf"[{_CJK}]")
# Default_Ignorable_Code_Point (Unicode 16, DerivedCoreProperties.txt), the format characters (Cf) beside it, the
# control characters that do not part words, the Braille cell without a dot, and what is no character at all
_IGNORED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufdd0-\ufdef\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# marks that are put over a character: the accent of a letter is part of it after NFKC, what is left is decoration
_MARKS_OVER = (
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u302a-\u302f"
    "\u3099\u309a\ua670-\ua672\ufe20-\ufe2f]+"
)
_MARK_OVER = re.compile(_MARKS_OVER)
_OVER = re.compile(rf"(?<=[0-9A-Za-z{_CJK}]){_MARKS_OVER}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SENTENCE = re.compile(r"[。!?;\n]+|\.\s")
_BLANKS = re.compile(r"\s+")
_BESIDE_CJK = re.compile(rf"(?<=[{_CJK}]) | (?=[{_CJK}])")
_VISIBLE = re.compile(rf"[0-9A-Za-z{_CJK}]")
# The marks of a Chinese sentence as NFKC writes them. Where they stood, it takes every character apart and puts it
# together again: 20 times as long as to see that a text is in that form already.
_WIDE_MARKS = tuple(zip("，！？：；（）", ",!?:;()", strict=True))
MOST_TERMS = 2000  # of one text; far above 4,000 characters of prose


def normalise_text(text: str) -> str:
    """A text without invisible marks and control characters, with "\\n" for every kind of line break, and with width
    folded (NFKC). Case and words stay as they are."""
    seen = "\n".join(_IGNORED.sub("", text).splitlines())
    for wide, folded in _WIDE_MARKS:
        seen = seen.replace(wide, folded)
    seen = unicodedata.normalize("NFKC", seen)
    return _OVER.sub("", seen) if _MARK_OVER.search(seen) else seen


def replace_lone_surrogates(text: str) -> str:
    """With U+FFFD for each lone surrogate, as an emoji cut in two leaves it: no database takes one."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def is_blank(text: str) -> bool:
    """Whether there is nothing to be seen in it."""
    return _VISIBLE.search(text) is None and not normalise_text(text).strip()


@lru_cache(maxsize=512)  # a narrative is folded for triage, and again for the search index
def fold_text(text: str) -> str:
    """The shadow of a text, in one line: a blank or a line break beside a Chinese character parts no word, any other is
    one blank. Not of the same length; never shown to anybody."""
    return _numerals(join_broken_words(_simple(text)))


def fold_sentences(text: str) -> list[str]:
    """The shadow of each of its sentences. A line break ends one."""
    return [_numerals(join_broken_words(s)) for s in _SENTENCE.split(_simple(text)) if s]


def join_broken_words(text: str) -> str:
    """Without the blanks and line breaks beside Chinese characters: a word broken by one is whole again."""
    text = _BLANKS.sub(" ", text)
    return _BESIDE_CJK.sub("", text) if " " in text else text


def _simple(text: str) -> str:
    folded = normalise_text(text).casefold()
    return folded.translate(_SIMPLE) if _TRADITIONAL.search(folded) else folded


def _numerals(text: str) -> str:
    return _NUMERAL.sub(lambda m: _arabic(m[0]), text)


def _arabic(numeral: str) -> str:
    if "十" not in numeral and "百" not in numeral:
        return "".join(str(_DIGITS[c]) for c in numeral)
    total, digit = 0, 0
    for c in numeral:
        if c in "十百":
            total += (digit or 1) * (10 if c == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[c]
    return str(total + digit)


def index_terms(*texts: str | None) -> list[str]:
    """What a text can be found by: pairs of neighbouring CJK characters, the last one of each run alone, and whole words.

    A one-character query asks for terms that begin with it: every character begins a pair or ends a run."""
    found: list[str] = []
    for text in texts:
        for run in _RUN.findall(fold_text(text or "")):
            if _IS_CJK.match(run):
                found.extend(map(add, run, run[1:]))
                found.append(run[-1])
            else:
                found.append(run[:40])
    return list(dict.fromkeys(found))[:MOST_TERMS]


def query_terms(query: str) -> list[tuple[str, bool]]:
    """The terms a query asks for, all of which must be there; True: as a beginning."""
    wanted: dict[tuple[str, bool], None] = {}
    # in a search the blank between words is kept, unlike in a narrative
    for run in (run for word in _simple(query).split() for run in _RUN.findall(_numerals(word))):
        if not _IS_CJK.match(run):
            wanted[(run[:40], True)] = None
        elif len(run) == 1:
            wanted[(run, True)] = None
        else:
            wanted.update(dict.fromkeys((run[i : i + 2], False) for i in range(len(run) - 1)))
    return list(wanted)


class WordFinder:
    """Looks for many words at once. How long that takes grows with the text alone, not with the number of words."""

    def __init__(self, words: Iterable[str]) -> None:
        lengths: dict[str, set[int]] = {}
        self._words = frozenset(word for word in words if word)
        for word in self._words:
            lengths.setdefault(word[:2], set()).add(len(word))
        # how long the words are that begin with these two characters; one character alone stands for itself
        self._lengths = {start: tuple(sorted(found)) for start, found in lengths.items()}
        self._single = frozenset(start for start in lengths if len(start) == 1)

    def find(self, text: str) -> dict[str, list[int]]:
        """The words that stand in the (folded) text, each with the places where it begins, in ascending order. A Latin
        word counts only as a whole word."""
        lengths, words = self._lengths, self._words
        begun = [(place, pair) for place, pair in enumerate(map(add, text, text[1:])) if pair in lengths]
        if not self._single.isdisjoint(text):
            begun += [(place, character) for place, character in enumerate(text) if character in self._single]
        found: dict[str, list[int]] = {}
        for place, start in begun:
            for length in lengths[start]:
                word = text[place : place + length]
                if word in words and (not word.isascii() or _whole(text, place, length)):
                    found.setdefault(word, []).append(place)
        return found


def _whole(text: str, place: int, length: int) -> bool:
    return not (is_latin(text[place - 1 : place]) or is_latin(text[place + length : place + length + 1]))


def is_latin(character: str) -> bool:
    """Whether it is one of a-z and 0-9; "" is not."""
    return character.isascii() and character.isalnum()

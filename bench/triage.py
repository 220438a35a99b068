"""python -m bench.triage: how long triage reads a narrative, beside one search for all its words in native code."""

import gc
import statistics
import time
from collections.abc import Callable

from ahocorasick_rs import AhoCorasick

from hotline.organisation.service.seeding import read_seed_directory
from hotline.packaged_files import packaged_folder
from hotline.text.normalisation import fold_characters, fold_text
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon

LENGTH = 160  # characters
REPEATED, ROUNDS = 200, 9
NARRATIVES = (
    "您好，我是瑞泉馨城的住户，最近一段时间小区晚上的路灯一直不亮，已经一个多星期了，每天下班回家都要打着手机的手电筒走路，家里有上了年纪的父母，晚上出去散步不太放心，"
    "之前给物业打过两次电话，对方说已经报上去了，但是到今天都没有师傅过来处理，麻烦你们帮忙催一下，另外楼下的座椅也想请人看一看，谢谢你们了，辛苦。",
    "我想咨询一下医保报销的问题，我妈妈今年六十八岁，户口在我们街道，上个月在市里面的医院住院做了一个小手术，当时是自己先垫付的费用，现在出院手续都办完了，想问一下需要"
    "带哪些材料，是到社区的服务中心办理还是到街道的政务大厅办理，周末有没有人上班，另外如果本人行动不方便，家属能不能够代为办理，需要写委托书吗，谢谢。",
    "你好，我要投诉我们楼上的邻居，他们家每天晚上十一点多还在放音乐，声音特别大，小孩子在屋里跑来跑去，有时候还拖桌子板凳，我们一家人都睡不好觉，孩子明年要中考了，学习"
    "受到很大影响，我上去说过好几次，对方说在自己家里做什么别人管不着，也找过物业，物业说他们没有执法权，只能劝一劝，所以想请社区出面协调一下，谢谢。",
    "Hello, I live in building 12 and would like to report that the street light in front of our entrance has been off for about a week now, please send somebody, thank you.",
    "我们单元楼下的化粪池又堵了，污水都漫到人行道上面来了，味道特别难闻，这几天天气又热，苍蝇蚊子到处都是，旁边就是幼儿园，家长接送小孩都要绕着走，上周给物业说了，来了"
    "个师傅看了一下说要请专业的疏通公司，结果一等就是五天，没有任何动静，请尽快安排人员来疏通清理，顺便把路面冲洗干净消一下毒，不然孩子要是生病了就麻烦了。",
)  # fmt: skip


def median_microseconds(work: Callable[[str], object], text: str) -> float:
    """Of one call, over ROUNDS rounds of REPEATED."""
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(REPEATED):
            work(text)
        taken.append((time.perf_counter() - begun) / REPEATED * 1e6)
    return statistics.median(taken)


def main() -> None:
    root = packaged_folder("seeds")
    lexicon = build_lexicon(read_seed_directory(root / "ruiquan", root))
    words = AhoCorasick(list(frozenset().union(*lexicon.patterns.groups)), store_patterns=False)
    gc.collect()
    gc.freeze()  # as a server does

    def read(text: str) -> object:
        fold_text.cache_clear()
        fold_characters.cache_clear()
        return advise(lexicon, text)

    ratios, reading = [], []
    for narrative in NARRATIVES:
        text = narrative[:LENGTH]
        whole = median_microseconds(read, text)
        search = median_microseconds(
            lambda given: words.find_matches_as_indexes(given, overlapping=True), fold_text(text)
        )
        reading.append(whole)
        ratios.append(search / whole)
        print(f"{len(text)} characters: triage {whole:.0f} µs, one search {search:.0f} µs = {search / whole:.2f}")
    print(f"mean: triage {statistics.mean(reading):.0f} µs, ratio to one search {statistics.mean(ratios):.2f}")


if __name__ == "__main__":
    main()

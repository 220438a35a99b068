"""python -m bench.triage: how long triage reads a narrative, with and without a model, beside one search for all its
words in native code.

Processor time of the quickest of many readings: what the code takes, whatever else the machine does."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
from ahocorasick_rs import AhoCorasick

from hotline.learning.model.training import ModelHead
from hotline.learning.scoring import LinearModel, ModelMeta, pack_arrays
from hotline.organisation.service.seeding import read_seed_directory
from hotline.packaged_files import packaged_folder
from hotline.text.normalisation import fold_characters, fold_text
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import build_lexicon
from hotline.triage.model.opinion import FormOpinion

LENGTH = 160  # characters
ROUNDS = 1_500
CALM = (
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


DANGEROUS = (
    "我们三期七栋二单元四楼厨房着火了，火苗子已经窜到窗户外头来了，楼道里全是黑烟，里面还有一个老人和一个娃儿没有出来，他们在窗边喊救命，麻烦你们快点喊消防车过来，消防通道"
    "被几辆私家车堵到起的，进来的时候喊保安挪一下车，我现在在楼下花园这边，电话一直开着的，你们到了就打我电话，快点快点，火越来越大了，对门的婆婆也还没有下来，她腿脚不方便。",
    "您好，我妈妈刚才在瑞泉馨城12栋1单元的电梯里面晕倒了，喊她没有反应，嘴唇发紫，呼吸很弱，她有高血压和心脏病，今年七十二岁，早上还好好的，吃完饭说胸口有点闷，下楼散步"
    "走到电梯里就不行了，现在旁边邻居在帮忙掐人中，请你们马上派救护车来，从北门进来左拐第二栋就是，我们在一楼大厅门口等，麻烦快一点，我们都不懂急救，不知道该怎么办才好。",
    "I live at building 12 unit 2 and there is thick smoke coming out of the flat below, an old man is still inside and cannot get out, please hurry and send someone now",
)  # fmt: skip


def quickest_microseconds(works: Sequence[Callable[[], object]]) -> list[float]:
    """Of each, in turns, so that a slow moment of the machine meets all of them."""
    quickest = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for number, work in enumerate(works):
            begun = time.process_time_ns()
            work()
            quickest[number] = min(quickest[number], (time.process_time_ns() - begun) / 1e3)
    return quickest


def made_model(codes: Sequence[str]) -> LinearModel:
    """As large as one fitted to 6,500 decisions: how long it takes does not depend on what its weights are."""
    slots = np.arange(22_600) * 11
    weights = np.sin(np.arange(len(slots) * len(codes), dtype=np.float32)).reshape(len(slots), len(codes))
    arrays = pack_arrays(slots, weights, np.zeros(len(codes)))
    return LinearModel(ModelMeta(1, True, (ModelHead("category", tuple(codes)),), {}), arrays)


def main() -> None:
    root = packaged_folder("seeds")
    directory = read_seed_directory(root / "ruiquan", root)
    lexicon = build_lexicon(directory)
    model = made_model(list(directory.categories))
    words = AhoCorasick(list(lexicon.patterns.groups_of), store_patterns=False)
    gc.collect()
    gc.freeze()  # as a server does

    def read(text: str, form_opinion: FormOpinion | None = None) -> object:
        fold_text.cache_clear()
        fold_characters.cache_clear()
        return advise(lexicon, text, form_opinion=form_opinion)

    for kind, narratives in (("calm", CALM), ("dangerous", DANGEROUS)):
        rows = []
        for narrative in narratives:
            text = narrative[:LENGTH]
            folded = fold_text(text)
            row = quickest_microseconds(
                [
                    lambda text=text: read(text),  # type: ignore[misc]
                    lambda text=text: read(text, model.form_opinion),  # type: ignore[misc]
                    lambda folded=folded: words.find_matches_as_indexes(folded, overlapping=True),  # type: ignore[misc]
                ]
            )
            rows.append(row)
            print(
                f"{kind}, {len(text)} characters: triage {row[0]:.0f} µs, with the model {row[1]:.0f}, one search {row[2]:.0f}"
            )
        mean = [statistics.mean(column) for column in zip(*rows, strict=True)]
        print(f"{kind}, mean: triage {mean[0]:.0f} µs, with the model {mean[1]:.0f}, one search {mean[2]:.0f}")


if __name__ == "__main__":
    main()

"""The words of speech about places, as tables. All are folded. Nothing here is a sentence or a place of one estate."""

# how a kind of place is called, whatever the directory calls it; a word that several places of a directory could mean
# says nothing by itself
KINDS: tuple[tuple[str, ...], ...] = (
    (
        "车库", "地库", "地下车库", "地下停车场", "地下停车库", "地下停车位", "负一楼停车场", "负一层停车场",
        "garage", "underground garage",
        "underground parking", "underground car park", "basement parking", "basement car park", "parking garage",
    ),
    (
        "菜市", "菜市场", "菜场", "农贸市场", "集贸市场", "农产品市场", "街市", "market", "wet market", "food market",
        "vegetable market",
    ),
    ("幼儿园", "幼稚园", "kindergarten", "nursery school", "preschool"),
    ("小学", "primary school"),
    ("广场", "坝坝", "坝坝头", "坝子头", "square", "plaza"),
    ("水池", "池塘", "水塘", "鱼池", "鱼塘", "景观池", "荷花池", "喷水池", "pond"),
    (
        "活动中心", "活动室", "文化室", "文体中心", "文化活动中心", "文化活动室",
        "activity centre", "activity center", "sports hall",
    ),
    ("居委会", "社区办公室", "neighbourhood committee"),
    ("卫生站", "卫生服务站", "卫生室", "health station", "clinic"),
    ("篮球场", "basketball court"),
    ("羽毛球场", "badminton court"),
    ("游泳池", "泳池", "swimming pool"),
    ("儿童乐园", "游乐场", "游乐园", "playground"),
    ("垃圾房", "垃圾站", "垃圾转运站", "垃圾集中点"),
    ("充电棚", "充电站", "车棚", "非机动车棚", "bike shed"),
)  # fmt: skip
_SIDES = (("东", "east"), ("南", "south"), ("西", "west"), ("北", "north"), ("前", "front"), ("后", "back"))
_GATES = (
    "门", "大门", "门口", "边大门", "边门", "面大门", "侧大门", "侧门", "出口", "入口", "出入口",
)  # fmt: skip
_GATES_EN = ("gate", "entrance", "exit", "entry")
GATES: tuple[tuple[str, ...], ...] = tuple(
    (*(f"{chinese}{gate}" for gate in _GATES), *(f"{english} {gate}" for gate in _GATES_EN))
    for chinese, english in _SIDES
)
# what bears the name of a place and is none
COMPOUNDS: tuple[str, ...] = (
    "厨房水池", "厨房的水池", "洗菜水池", "洗碗水池", "洗手水池", "水池堵", "水池漏", "水池下水",
    "广场舞", "坝坝舞", "坝坝宴", "坝坝电影", "院坝坝", "院坝坝头", "市场监管", "市场监督", "市场价", "菜市场价",
    "square meter", "square meters", "square metre", "square metres", "square foot", "square feet", "square root",
    "stock market", "job market", "market price", "market prices", "market value", "supermarket",
)  # fmt: skip
# behind the short name of a place: a firm or a ware of that name
BRANDS: tuple[str, ...] = (
    "书店",
    "保险",
    "字典",
    "词典",
    "日报",
    "卫视",
    "牌",
    "银行",
    "集团",
    "公司",
    "酒店",
    "宾馆",
    "超市",
    "药房",
)
# the endings of names of areas, which people leave out
LEVEL_ENDINGS: tuple[str, ...] = ("社区", "街道", "网格", "小区", "村", "镇", "乡")
LEVEL_ENDINGS_EN: tuple[str, ...] = (" community", " street", " district", " village", " estate", " town", " grid")
# behind or before the short name of a grid or a village, which is an ordinary word too
DEICTIC_BEHIND = (
    r"(?:的)?(?:那|这)(?:边|里|儿|头|片|块|一片|一带|几栋|几幢|个片区|点)|(?:这|那)?(?:片区|一带|附近|片)|\d+[栋幢]"
)
DEICTIC_BEFORE = r"(?:住在?|在|我们|到|去|从)$"

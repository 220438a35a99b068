"""One shadow for both spellings of Chinese."""

import pytest

from hotline.text.normalisation import fold_text


@pytest.mark.parametrize(
    ("traditional", "simplified"),
    [
        ("這裡還有人講不出話", "这里还有人讲不出话"),
        ("樓梯間燒著了，阿嬤暈倒", "楼梯间烧着了，阿嬷晕倒"),
        ("車子輾過水窪，電線桿斷了", "车子辗过水洼，电线杆断了"),
    ],
)
def test_traditional_and_simplified_spelling_fold_alike(traditional: str, simplified: str) -> None:
    assert fold_text(traditional) == fold_text(simplified)

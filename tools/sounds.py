"""Writes the readings of Chinese characters (src/hotline/text/sounds.txt) from pypinyin: each toneless syllable and the
characters whose usual reading it is."""

import sys
import unicodedata

from pypinyin.constants import PINYIN_DICT

FIRST, LAST = 0x4E00, 0x9FA5


def main() -> None:
    by_syllable: dict[str, list[str]] = {}
    for code in range(FIRST, LAST + 1):
        readings = PINYIN_DICT.get(code)
        if readings:
            by_syllable.setdefault(toneless(readings.split(",")[0]), []).append(chr(code))
    for syllable, characters in sorted(by_syllable.items()):
        sys.stdout.write(f"{syllable} {''.join(characters)}\n")


def toneless(syllable: str) -> str:
    """The letters of a syllable; u with two dots is v."""
    decomposed = unicodedata.normalize(
        "NFD", unicodedata.normalize("NFC", syllable).translate(str.maketrans("üǖǘǚǜ", "vvvvv"))
    )
    return "".join(letter for letter in decomposed if letter.isascii() and letter.isalpha())


if __name__ == "__main__":
    main()

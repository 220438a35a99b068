"""Writes the simplified forms of traditional characters (src/hotline/text/traditional.txt) from OpenCC's
`TSCharacters.txt` (Apache-2.0), given as the argument: each simplified character of GB 2312 and the traditional ones
that it stands for."""

import sys
from pathlib import Path

FIRST, LAST = "\u4e00", "\u9fff"


def main() -> None:
    by_simplified: dict[str, list[str]] = {}
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        traditional, _, forms = line.partition("\t")
        if not forms or not FIRST <= traditional <= LAST:
            continue
        simplified = forms.split()[0]
        if simplified != traditional and is_common(simplified):
            by_simplified.setdefault(simplified, []).append(traditional)
    by_simplified.setdefault("着", []).append("著")  # it keeps 著 where mainland spelling does
    for simplified, characters in sorted(by_simplified.items()):
        sys.stdout.write(f"{simplified} {''.join(sorted(set(characters)))}\n")


def is_common(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


if __name__ == "__main__":
    main()

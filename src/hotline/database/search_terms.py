"""The terms of a search index: words in plain, numbers and names of persons as keyed digests."""

from hotline.database.sealing import Sealing
from hotline.database.write_plan import SearchEntry
from hotline.text.normalisation import fold_text, index_terms
from hotline.text.personal import part_numbers
from hotline.text.typed_pinyin import name_sounds, pinyin_terms

SHORTEST_NAME = 2  # characters: one alone stands in every text


def entry_terms(entry: SearchEntry, sealing: Sealing) -> list[str]:
    """What a row is found by: the words of its texts without the numbers and the names of persons in them, and a token
    for each of these."""
    names = [name for name in (each.strip() for each in entry.names if each) if len(name) >= SHORTEST_NAME]
    texts: list[str] = []
    numbers: list[str] = []
    for text in entry.texts:
        if not text:
            continue
        plain, found = part_numbers(text)
        numbers += found
        for name in names:
            if not name.isdigit():
                plain = plain.replace(name, " ")
        texts.append(plain)
    sounds: list[str] = []
    for text in entry.by_sound:
        for name in names:
            text = text and text.replace(name, " ")
        sounds += pinyin_terms(text)
    tokens = [sealing.token(number) for number in numbers]
    if entry.names_are_found:
        for name in names:
            found = part_numbers(name)[1]
            tokens += [sealing.token(number) for number in found] or name_tokens(sealing, name)[:1]
            tokens += [sealing.token(sound_text(sound)) for sound in name_sounds(name)]
    return [*index_terms(*texts), *dict.fromkeys([*sounds, *tokens])]


def sound_text(typed: str) -> str:
    """What the token is made of, of a name's pinyin or of its first letters."""
    return "sound:" + typed


def name_tokens(sealing: Sealing, name: str) -> list[str]:
    """The tokens of a person's name, however it is written: case, width and form of its characters do not matter. The
    first one is written; an index may hold the others while the look-up key is replaced."""
    return sealing.token_variants("name:" + fold_text(name).replace(" ", ""))

"""Whether a password is easy to guess: common and breached passwords, words, keyboard runs, repetitions, and the words
of this place."""

import re

from hotline.organisation.model.directory import Directory

LEAST_GUESSES = 10**10  # zxcvbn's highest grade: what a lost hash does not give away within weeks
_LOOKED_AT = 72  # characters: the time it takes grows with the square of them
_MOST_WORDS = 400
_WORD = re.compile(r"[^\W_]{2,}")
_HERE = ("hotline", "24365", "rexian", "热线", "12345", "gongdan", "工单", "admin", "password", "mima", "密码")


def context_words(directory: Directory, *texts: str) -> tuple[str, ...]:
    """Words that are easy to think of here: of the person's `texts`, of the organisation and of its places."""
    places = [text for area in directory.areas.values() for text in (area.code, area.name, area.name_en)]
    home = directory.home
    names = [home.name, home.name_en] if home is not None else []
    words = (word.casefold() for text in (*texts, *_HERE, *names, *places) for word in _WORD.findall(text or ""))
    return tuple(dict.fromkeys(words))[:_MOST_WORDS]


def is_guessable(password: str, *words: str) -> bool:
    """Whether fewer than LEAST_GUESSES tries find the password, for somebody who also tries `words`."""
    from zxcvbn import zxcvbn  # 14 MB that only a process which sets passwords needs

    return bool(zxcvbn(password[:_LOOKED_AT], user_inputs=list(words))["guesses"] < LEAST_GUESSES)

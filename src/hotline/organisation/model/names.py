"""Names of the directory for whoever reads them."""

from typing import Protocol

from hotline.text.simplified import to_traditional


class HasNames(Protocol):
    """An item of the directory, or what shows one."""

    @property
    def name(self) -> str: ...
    @property
    def name_en(self) -> str: ...


def name_in(item: HasNames, language: str) -> str:
    """The name of an item in a language of the catalogues, or in `zh`. A directory gives a Chinese name in one form:
    who reads traditional characters is shown it in these."""
    if language == "en":
        return item.name_en or item.name
    return to_traditional(item.name) if language == "zh-Hant" else item.name

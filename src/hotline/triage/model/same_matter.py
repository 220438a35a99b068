"""Whether two calls are about one matter."""

from hotline.triage.model.advice import Advice


def is_same_matter(first: Advice, second: Advice) -> bool:
    """Whether two narratives are about one matter: the same area and category."""
    return (
        first.area is not None
        and first.category is not None
        and ((first.area, first.category) == (second.area, second.category))
    )

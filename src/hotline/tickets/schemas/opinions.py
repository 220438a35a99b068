"""The model's opinion in replies."""

from hotline.organisation.model.vocabulary import Kind
from hotline.replies import reply_type


@reply_type()
class ModelOpinion:
    """What the model that learns from decisions made of the text. `category`: null where it abstains; `confidence`:
    calibrated, 0-1; `sure`: it reaches the threshold of its category; `acting`: triage may follow it, otherwise it is
    only recorded."""

    version: int
    acting: bool
    category: str | None
    confidence: float
    sure: bool
    kind: Kind | None
    department: str | None

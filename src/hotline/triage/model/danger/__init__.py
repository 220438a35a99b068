"""Whether a text says that somebody is in danger: frames of words, and what stands around them.

`lexicon` makes a directory's frames ready, `matching` finds them in a text, `judging` says whether what was found is
so, here and now, `sounds` finds words that speech recognition wrote with other characters, `reading` puts it together.
"""

__all__ = ["lexicon", "reading"]

"""Whether a text says that somebody is in danger: `judging` says whether a frame that was found is so, here and now,
from what `surroundings` finds around it; `reading` puts together what was found, also by its sound."""

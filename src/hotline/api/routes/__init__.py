"""One file per noun; a route is a sentence: take, do, show."""

"""Rules of texts: templates, what a text asks for, which gateway carries the next."""

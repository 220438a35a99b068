"""Jobs that serve more than one capability."""

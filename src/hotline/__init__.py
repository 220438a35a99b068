"""A 24365 hotline: take a matter in, triage it, route it, follow it until it is solved and the resident called back."""

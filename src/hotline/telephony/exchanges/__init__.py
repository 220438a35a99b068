"""One file per exchange."""

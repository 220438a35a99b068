"""How we speak to the world: one file per provider."""

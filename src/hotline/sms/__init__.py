"""Texts to and from residents."""

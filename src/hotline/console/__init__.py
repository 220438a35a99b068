"""The web console: templates and ES modules on top of the API, without a build step."""

__all__ = ["app"]

"""The pages that operators, departments and committees keep open: templates and own ES modules over the API."""

__all__ = ["app"]

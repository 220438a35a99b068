"""TODO hotline.organisation.schemas"""

__all__ = ["duty"]

"""Files: kept under the hash of their bytes, typed by what they are, private."""

__all__ = ["files", "permissions", "spreadsheets"]

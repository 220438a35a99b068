"""Files: kept under the hash of their bytes, typed by what they are, private."""

__all__ = ["cleaning", "file_types", "files", "permissions", "picture_metadata", "spreadsheets"]

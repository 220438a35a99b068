"""Files scanned for viruses by clamd, before anybody opens them."""

__all__ = ["capability", "clamd", "model", "status", "tables"]

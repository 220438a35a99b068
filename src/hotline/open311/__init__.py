"""Open311 GeoReport v2."""

__all__ = ["capability", "model", "openapi", "routes", "service_requests", "store"]

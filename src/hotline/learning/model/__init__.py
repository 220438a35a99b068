"""Pure rules of learning: evaluation on cases, labels, calibration, the gate, drift."""

__all__ = ["training"]

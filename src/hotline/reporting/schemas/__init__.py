"""What callers see of figures, reports and boards."""

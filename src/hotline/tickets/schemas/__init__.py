"""What callers send and see of tickets."""

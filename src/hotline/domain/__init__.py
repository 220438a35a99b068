"""What is true with no computer: rules, words and tables. Standard library only, no I/O, no clock."""

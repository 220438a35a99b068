"""Text as people and systems write it: normal forms, phone numbers, times, ticket numbers."""

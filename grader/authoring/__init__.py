"""What an author of the course calls: validate, release, and what they need."""

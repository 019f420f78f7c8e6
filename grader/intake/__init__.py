"""What an LMS or a repository hands over, sorted into one folder for each student."""

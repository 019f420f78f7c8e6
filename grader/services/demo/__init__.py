"""The servers of the lessons' demos, which outlive the command that starts them."""

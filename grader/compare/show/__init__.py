"""What a comparison found, shown: table, page, pictures, Markdown for the lessons."""

"""Show a comparison: table, page, pictures, Markdown for the lessons."""

"""The processes of a comparison: producers, consumers, and what starts and hears them."""

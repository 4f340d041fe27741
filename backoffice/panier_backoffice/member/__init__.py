"""Members, their cards, and the segments that marketing puts them into."""

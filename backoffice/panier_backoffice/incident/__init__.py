"""What a person should look at: incidents, and items that could not be taken in."""

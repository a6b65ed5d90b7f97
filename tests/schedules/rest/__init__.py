"""What every router asks and answers."""

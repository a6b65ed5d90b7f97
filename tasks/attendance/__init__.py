"""Who was there: one row for each employee and day."""

"""Who works here: the employees, and the directory that names the active ones."""

"""The pages, one module each: they ask `operations` and hand a template what it prints."""

"""What every router of the site asks and answers in the same way: rights, problems, camelCase,
pages. The scheduler's own API stands on it; business code reaches it as `schedules.public.rest`.
"""

"""django-celery-beat's rows and our timetables: reading one as the other, and noticing that one
changed.
"""

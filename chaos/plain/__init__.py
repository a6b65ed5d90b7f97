"""The system to compare with: django-celery-beat and django-celery-results as they come, with the
same jobs as plain Celery tasks. Nothing here imports the product's engine.
"""

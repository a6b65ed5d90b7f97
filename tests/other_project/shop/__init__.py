"""A shop: a project that uses the scheduler from its wheel and has nothing else of ours."""

from shop.celery import app as celery_app

__all__ = ["celery_app"]

"""The business, one small Django app for each area. Of the framework it uses `schedules.public`."""

"""Celery made safe: the app, its consumer, what a queue may call, and what remote control may ask."""

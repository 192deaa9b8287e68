"""How any process of ours runs: settings, logs, Celery as we use it, and confirmed publishing. Neither service is known here."""

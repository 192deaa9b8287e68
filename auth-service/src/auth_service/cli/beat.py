"""`auth-service beat`: asks for scheduled work when it is time. One is enough; two do no harm."""

from __future__ import annotations

from auth_service.cli.starting import start
from auth_service.maintenance.beat_status import BeatStatus, watched_scheduler
from auth_service.maintenance.schedule import build_schedule
from auth_service.settings import BeatSettings
from service_runtime.celery.app import build_app
from service_runtime.endpoint import Probes, served


def run() -> None:
    """Ticks until SIGTERM."""
    settings = start("auth-beat", BeatSettings)
    app = build_app("auth-beat", broker_url=settings.broker_url.get_secret_value())
    app.conf.beat_schedule = build_schedule()
    settings.beat_schedule_file.parent.mkdir(parents=True, exist_ok=True)
    status = BeatStatus()
    beat = app.Beat(
        schedule=str(settings.beat_schedule_file),
        scheduler_cls=watched_scheduler(status),  # type: ignore[arg-type] # Celery takes a class, too
        loglevel=settings.log_level,
        quiet=True,
    )
    probes = Probes(exposition=status.exposition, complaint=status.complaint, not_ready=status.not_ready)
    with served(settings.beat_listen, variable="AUTH_BEAT_LISTEN", probes=probes):
        beat.run()

"""Many requests counted at once by a process of its own, as one of several API processes would."""

from concurrent.futures import ThreadPoolExecutor

from auth_service.db.limits import admit
from auth_service.domain.limit import Limit
from service_runtime.database.engine import build_engine, build_sessions

THREADS = 5


def burst(url: str, limit: Limit, key: bytes, requests: int) -> int:
    """Ask that often, from several threads; give back how many requests were admitted."""
    engine = build_engine(url, application="test", connections=THREADS)
    sessions = build_sessions(engine)

    def ask(_: int) -> bool:
        with sessions.begin() as session:
            return admit(session, key, limit).admitted

    with ThreadPoolExecutor(THREADS) as pool:
        admitted = sum(pool.map(ask, range(requests)))
    engine.dispose()
    return admitted

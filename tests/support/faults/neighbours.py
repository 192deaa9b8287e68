"""Bad neighbours of every load: a letter to a recipient refused for good, a message nobody can read."""

from datetime import timedelta
from uuid import UUID

from kombu import Connection

from mail_contract.letters import LetterClass
from mail_contract.topology import letter_route
from support.broker import VirtualHost
from support.faults.post import Post


def plant_neighbours(post: Post, broker: VirtualHost) -> set[UUID]:
    """Commit the one, publish the other; both have to become dead letters and to stall nobody. Give back their ids."""
    recipient = f"nobody.{post.chance.randrange(10**8)}@refused.example"
    refused = post.commit([recipient], LetterClass.URGENT, lifetime=timedelta(hours=1))
    unreadable = UUID(int=post.chance.getrandbits(128), version=4)
    throw(broker, b"{not json", message_id=unreadable)
    return {*refused, unreadable}


def throw(broker: VirtualHost, body: bytes, *, message_id: UUID, task: str = "unreadable") -> None:
    """Publish raw bytes where urgent letters arrive."""
    route = letter_route(LetterClass.URGENT)
    with Connection(broker.url("auth")) as connection:
        connection.Producer().publish(
            body,
            exchange=route.exchange,
            routing_key=route.routing_key,
            content_type="application/json",
            content_encoding="utf-8",
            headers={"task": task, "id": str(message_id), "lang": "py"},
        )

"""Bad neighbours of every load: a letter to a recipient refused for good, a message nobody can read."""

from datetime import timedelta
from uuid import UUID

from kombu import Connection

from mail_contract.letters import LetterClass
from support.broker import VirtualHost
from support.faults.post import Post
from support.raw_messages import publish_raw


def plant_neighbours(post: Post, broker: VirtualHost) -> set[UUID]:
    """Commit the one, publish the other; both have to become dead letters and to stall nobody. Give back their ids."""
    recipient = f"nobody.{post.chance.randrange(10**8)}@refused.example"
    refused = post.commit([recipient], LetterClass.URGENT, lifetime=timedelta(hours=1))
    unreadable = UUID(int=post.chance.getrandbits(128), version=4)
    throw(broker, b"{not json", message_id=unreadable)
    return {*refused, unreadable}


def throw(broker: VirtualHost, body: bytes, *, message_id: UUID, task: str = "unreadable") -> None:
    """Publish raw bytes where urgent letters arrive."""
    with Connection(broker.url("auth")) as connection:
        publish_raw(connection, body, headers={"task": task, "id": str(message_id), "lang": "py"})

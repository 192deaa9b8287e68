"""The native stack: RabbitMQ, PostgreSQL, an inbox and all processes of both services on this machine."""

"""PostgreSQL as every process of ours uses it: bounded in number and in time, whatever state the server is in."""

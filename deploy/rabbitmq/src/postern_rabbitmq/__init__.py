"""What administers the broker: its objects, their check and drift, the picture of them, and the doctor."""

"""What auth-service remembers: engine, tables, repositories, migrations."""

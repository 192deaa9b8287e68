"""Publishing that is always routed and always confirmed."""

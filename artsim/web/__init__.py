"""HTTP with deadlines and retries, and the Hub client on it."""

"""Network access: an HTTP client with deadlines and retries, and calls to the Hub."""

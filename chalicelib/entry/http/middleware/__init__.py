"""What happens to every request and response: CORS, methods that no view declares, the reader."""

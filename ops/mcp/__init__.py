"""The API as tools of an assistant (Model Context Protocol)."""

"""All code that is deployed. Chalice packages this folder beside app.py."""

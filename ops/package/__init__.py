"""Building the deployable package and its template."""

"""The commands that read or write all data of a stage."""

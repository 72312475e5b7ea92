"""Reading, redriving and discarding dead letters."""

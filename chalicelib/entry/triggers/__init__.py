"""Lambda functions that are not called over HTTP: queues, the table's stream, schedules and SES."""

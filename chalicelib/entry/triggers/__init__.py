"""Lambda functions that HTTP does not call: queues, the table's stream, schedules and SES."""

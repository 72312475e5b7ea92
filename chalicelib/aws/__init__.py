"""Adapters for DynamoDB, SQS, SES and SSM. Imports the domain only."""

"""What AWS asks for a unit: list prices of us-east-1 in dollars, where each was read, and what is
free for ever each month.
"""

from dataclasses import dataclass

READ_ON = "2026-11-24"


@dataclass(frozen=True, slots=True)
class Price:
    """`dollars` for each `per` of `unit`; of them `free` a month are for nothing, in every account
    and for ever.
    """

    service: str
    unit: str
    dollars: float
    per: float
    free: float
    source: str
    verified: bool = False

    def of(self, quantity: float, free: bool = False) -> float:
        """Dollars for a month's quantity, after what is free or at the list price."""
        return max(0.0, quantity - (self.free if free else 0)) * self.dollars / self.per


PRICES = {
    "api": Price(
        "API Gateway",
        "requests to a REST API",
        3.50,
        1e6,
        0,
        "aws.amazon.com/api-gateway/pricing, a worked example",
    ),
    "bus_events": Price(
        "EventBridge",
        "events of a partner, 64 KB each",
        1.00,
        1e6,
        0,
        "aws.amazon.com/eventbridge/pricing",
    ),
    "own_events": Price(
        "EventBridge",
        "events of our own, 64 KB each",
        1.00,
        1e6,
        0,
        "aws.amazon.com/eventbridge/pricing",
    ),
    "lambda_requests": Price("Lambda", "requests", 0.20, 1e6, 1e6, "aws.amazon.com/lambda/pricing"),
    "lambda_gb_seconds": Price(
        "Lambda", "GB-seconds on arm64", 13.3334, 1e6, 400_000, "aws.amazon.com/lambda/pricing"
    ),
    "write_units": Price(
        "DynamoDB",
        "write request units, on demand",
        0.625,
        1e6,
        0,
        "aws.amazon.com/dynamodb/pricing/on-demand",
    ),
    "read_units": Price(
        "DynamoDB",
        "read request units, on demand",
        0.125,
        1e6,
        0,
        "aws.amazon.com/dynamodb/pricing/on-demand",
    ),
    "stored_gb": Price(
        "DynamoDB", "GB stored for the month", 0.25, 1, 25, "aws.amazon.com/dynamodb/pricing", True
    ),
    "backup_gb": Price(
        "DynamoDB", "GB of point-in-time recovery", 0.20, 1, 0, "aws.amazon.com/dynamodb/pricing"
    ),
    "sqs": Price(
        "SQS", "requests of standard queues", 0.40, 1e6, 1e6, "aws.amazon.com/sqs/pricing"
    ),
    "mails": Price("SES", "mails", 0.10, 1e3, 0, "aws.amazon.com/ses/pricing"),
    "decryptions": Price(
        "KMS",
        "decryptions of secrets",
        0.03,
        1e4,
        20_000,
        "aws.amazon.com/kms/pricing; the free part was read there",
    ),
    "log_gb": Price(
        "CloudWatch", "GB of ingested logs", 0.50, 1, 5, "aws.amazon.com/cloudwatch/pricing"
    ),
    "metrics": Price(
        "CloudWatch", "custom metrics", 0.30, 1, 10, "aws.amazon.com/cloudwatch/pricing"
    ),
    "statistics": Price(
        "CloudWatch", "statistics read", 0.01, 1e3, 1e6, "aws.amazon.com/cloudwatch/pricing"
    ),
    "alarms": Price(
        "CloudWatch", "metric alarms", 0.10, 1, 10, "aws.amazon.com/cloudwatch/pricing"
    ),
    "composite_alarms": Price(
        "CloudWatch", "composite alarms", 0.50, 1, 0, "aws.amazon.com/cloudwatch/pricing"
    ),
    "keys": Price("KMS", "customer managed keys", 1.00, 1, 0, "aws.amazon.com/kms/pricing"),
    "dashboards": Price(
        "CloudWatch", "dashboards", 3.00, 1, 3, "aws.amazon.com/cloudwatch/pricing"
    ),
    "traces": Price(
        "X-Ray", "traces recorded", 5.00, 1e6, 100_000, "aws.amazon.com/xray/pricing", True
    ),
}
"""Scheduled rules of EventBridge and its delivery to a queue, parameters of the standard tier and
the reads of Lambda's own stream pollers cost nothing.
"""

"""DynamoDB, SQS and the Parameter Store over AWS's JSON protocol, without boto3: its calls cost
more than ours around them, and its import most of a cold start.
"""

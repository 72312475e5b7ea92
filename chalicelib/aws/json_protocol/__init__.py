"""DynamoDB and SQS over AWS's JSON protocol, without boto3: its calls cost more than ours around
them.
"""

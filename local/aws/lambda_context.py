"""The second argument of every Lambda function."""

import time
import uuid


class LambdaContext:
    """What Lambda tells a function about its call; the remaining time runs by the real clock."""

    memory_limit_in_mb = 512
    function_version = "$LATEST"

    def __init__(self, function_name: str, seconds: int) -> None:
        self.function_name = function_name
        self.aws_request_id = str(uuid.uuid4())
        self.invoked_function_arn = (
            f"arn:aws:lambda:us-east-1:000000000000:function:{function_name}"
        )
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._end - time.monotonic()) * 1000))

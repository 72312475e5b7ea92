"""The people system (Intercom, Segment): what it is told of an account, and in which order."""

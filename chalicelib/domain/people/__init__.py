"""The people system (Intercom, Segment): what it gets of an account, and in which order."""

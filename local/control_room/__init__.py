"""The pages and calls below `/_local`: state, clock, mailbox and the example site."""

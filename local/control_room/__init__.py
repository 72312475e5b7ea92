"""The pages and calls below `/_local`: state, clock, customers, mailbox and the example site."""

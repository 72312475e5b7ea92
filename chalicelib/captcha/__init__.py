"""The adapter for the CAPTCHA service that the policy may choose. Imports the domain only."""

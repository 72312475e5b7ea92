"""The CAPTCHA service, where the policy wants one. Imports the domain only."""

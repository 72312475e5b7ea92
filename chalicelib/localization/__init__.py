"""Amounts, days and prices as text in the reader's language, by Babel. Imports the domain only;
Babel is imported with the first text, not with this package.
"""

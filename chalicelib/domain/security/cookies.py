"""Cookies: how one is set, and how it is read from the header of a request."""

HOST_PREFIX = "__Host-"
"""Browsers take a cookie of this prefix only over https, for one host and its whole path: neither a
page of a sibling domain nor one over http can set it
(developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes).
"""

LONGEST_HEADER = 16 * 1024
"""Letters of a Cookie header that are looked at; API Gateway takes 10 KB of headers in all."""


def cookie_name(name: str, is_https: bool) -> str:
    """The full name of a cookie. Only the local system is served over http, where browsers would
    not keep a cookie with the prefix.
    """
    return f"{HOST_PREFIX}{name}" if is_https else name


def set_cookie(name: str, value: str, seconds: int, is_https: bool) -> str:
    """The Set-Cookie header of a cookie that lasts so many seconds; 0 deletes it. Scripts cannot
    read it, and browsers do not send it with forms of other sites.
    """
    secure = "; Secure" if is_https else ""
    return (
        f"{cookie_name(name, is_https)}={value}; Path=/; Max-Age={seconds}; HttpOnly;"
        f" SameSite=Lax{secure}"
    )


def cookie_values(header: str | None, name: str, is_https: bool) -> list[str]:
    """The values of a cookie in a Cookie header, in the order in which they were sent; empty if
    there is none.

    Other applications of the same domain put what they like into the header. A parser that gives up
    at the first letter that it does not know, such as `http.cookies`, would lose this cookie too.
    """
    wanted, found = cookie_name(name, is_https), []
    for part in (header or "")[:LONGEST_HEADER].split(";"):
        key, separator, value = part.partition("=")
        if separator and key.strip() == wanted:
            found.append(value.strip().strip('"'))
    return found

"""The kind of a browser, as far as its owner needs it to know it again. Versions, models and
networks are not read: together they would tell people apart.
"""

BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""What a User-Agent contains → the browser. The first that applies decides, because browsers name
those that they are like (developer.mozilla.org, "Browser detection using the user agent string").
"""

SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
"""What a User-Agent contains → the system. The first that applies decides."""


def browser_of(user_agent: str) -> str:
    """The kind of browser and system of a User-Agent, such as "Firefox, Windows"; empty if neither
    is known. Nothing of the header itself is in it.
    """
    found = (
        next((name for part, name in table if part in user_agent), "")
        for table in (BROWSERS, SYSTEMS)
    )
    return ", ".join(name for name in found if name)

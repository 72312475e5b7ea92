"""Checks access before each request of a Django project. In a module of yours, shop/access.py:

    from django.conf import settings
    from django.http import JsonResponse

    def refuse(request, access):    # None: nobody knows, and Billhook does not answer
        if access is None:
            return JsonResponse({"error": "access_unknown"}, status=503)
        return JsonResponse({"error": "no_access", "reason": access.reason}, status=402)

    billhook_access = access_middleware(
        AccessChecker("https://billing.example.com", settings.BILLHOOK_KEY),
        lambda request: request.session.get("billhook_account"),
        refuse,
    )

and "shop.access.billhook_access" in MIDDLEWARE, below the one of the sessions. A view finds the
access in `request.access`.
"""

from collections.abc import Callable
from typing import Any

from billhook_access import COOKIE, Access, AccessChecker, AccessUnknown

Request = Any
Response = Any
GetResponse = Callable[[Request], Response]


def access_middleware(
    checker: AccessChecker,
    account_of: Callable[[Request], str | None],
    refuse: Callable[[Request, Access | None], Response],
    open_to: tuple[str, ...] = ("full", "limited"),
) -> Callable[[GetResponse], GetResponse]:
    """Django middleware. `account_of` gives the account of who is signed in, None for nobody;
    `open_to` are the levels of access with which a request goes on; `refuse` answers the others.
    """

    def made(get_response: GetResponse) -> GetResponse:
        def middleware(request: Request) -> Response:
            account = account_of(request)
            if account is None:
                return get_response(request)
            try:
                checked = checker.check(request.COOKIES.get(COOKIE), account)
            except AccessUnknown:
                return refuse(request, None)
            if checked.access.level not in open_to:
                return refuse(request, checked.access)
            request.access = checked.access
            response = get_response(request)
            if checked.new_token:
                response.set_cookie(
                    COOKIE,
                    checked.new_token,
                    max_age=checked.seconds,
                    httponly=True,
                    secure=True,
                    samesite="Lax",
                )
            return response

        return middleware

    return made

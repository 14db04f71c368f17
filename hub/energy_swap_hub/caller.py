"""Where a request comes from, as far as that can be known behind reverse proxies."""

from aiohttp.web import BaseRequest


def address_of(request: BaseRequest, trusted_proxies: int) -> str:
    """Return the caller's address: what the outermost of our proxies saw, never what a caller claims."""
    hops = [hop.strip() for value in request.headers.getall("X-Forwarded-For", []) for hop in value.split(",")]
    if trusted_proxies and len(hops) >= trusted_proxies:
        return hops[-trusted_proxies][:45]
    return request.remote or ""

# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with an answer: for FakeApiServer.cue("list", "pods", **too_many(retry_after=1))."""


def status_object(code, reason, message, **more):
    made = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**made, "message": message, "reason": reason, **more, "code": code}


def too_many(retry_after=1):
    """Priority and fairness: plain text."""
    text = "Too many requests, please try again later.\n"
    headers = {"Retry-After": str(retry_after)}
    return {"status": 429, "body": text, "content_type": "text/plain", "headers": headers}


def too_many_status(retry_after=1):
    """The watch cache is being built."""
    details = {"retryAfterSeconds": retry_after}
    body = status_object(429, "TooManyRequests", "storage is (re)initializing", details=details)
    return {"status": 429, "body": body, "headers": {"Retry-After": str(retry_after)}}


def unavailable(retry_after=5):
    text = "The apiserver is shutting down or not ready yet\n"
    headers = {"Retry-After": str(retry_after)}
    return {"status": 503, "body": text, "content_type": "text/plain", "headers": headers}


def unauthorized():
    return {"status": 401, "body": status_object(401, "Unauthorized", "Unauthorized")}


def forbidden(resource="pods"):
    message = f'{resource} is forbidden: User "system:anonymous" cannot list resource "{resource}" in API group ""'
    return {"status": 403, "body": status_object(403, "Forbidden", message)}


def not_found():
    text = "404 page not found\n"
    return {"status": 404, "body": text, "content_type": "text/plain"}


def gone(reason="Expired"):
    """410 as the answer's own status."""
    return {"status": 410, "body": status_object(410, reason, "too old resource version: 1 (2)")}


def gone_event(reason="Expired"):
    """410 as an event of a watch that was answered with 200, the usual shape."""
    return {"error": status_object(410, reason, "too old resource version: 1 (2)")}


def internal_error_event(message="etcdserver: mvcc: required revision has been compacted"):
    return {"error": status_object(500, "InternalError", message)}


def html():
    """A captive portal."""
    text = "<!DOCTYPE html><html><body>Please log in</body></html>"
    return {"status": 200, "body": text, "content_type": "text/html"}


def redirect(location="https://example.com/"):
    return {"status": 302, "body": "", "headers": {"Location": location}}


def silent():
    """The request is taken and never answered."""
    return {"cut_after": 0, "how": "stall"}


class Cue:
    """What is done about the next `times` requests (None: all) of that sort. See FakeApiServer.cue()."""

    FIELDS = (
        "status",
        "headers",
        "body",
        "content_type",
        "delay",
        "until",
        "gzip",
        "cut_after",
        "how",
        "split",
        "error",
        "no_end_mark",
        "lines",
    )

    def __init__(self, what, resource, times, match, answer):
        unknown = set(answer) - set(self.FIELDS)
        if unknown:
            raise TypeError(f"no such cue: {unknown}")
        self.what = what
        self.resource = resource
        self.times = times
        self.match = match
        self.answer = answer
        self.used = 0

    def fits(self, request):
        if self.times is not None and self.used >= self.times:
            return False
        return (
            self.what in (None, request.what)
            and self.resource in (None, request.plural)
            and (self.match is None or self.match(request))
        )

    def __getattr__(self, name):
        if name in Cue.FIELDS:
            return self.answer.get(name)
        raise AttributeError(name)


NO_CUE = Cue(None, None, None, None, {})

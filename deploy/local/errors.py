"""The errors of the local stack: each says in a sentence what is missing and what to do about it."""


class LocalStackError(Exception):
    """Something a person can put right; its text is all that the command line prints."""


class NoTool(LocalStackError):
    """A tool that PyPI did not give: what needs it cannot be tried again."""


class NotReady(Exception):
    """A probe that may well succeed a moment later."""


class Broken(Exception):
    """A probe's answer that no waiting will change."""

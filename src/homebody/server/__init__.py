"""Serving: the studio's site, and a published repository.

:mod:`~homebody.server.site` answers requests from a fixed table of files, as a pure function;
:mod:`~homebody.server.studio` says which files the studio is made of;
:mod:`~homebody.server.local` serves it to one person with the standard library;
:mod:`~homebody.server.app` serves it to many, through ASGI;
:mod:`~homebody.server.vendor` fetches the pinned npm files.
"""

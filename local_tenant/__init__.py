"""
A stand-in for an Auth0 tenant, for development and tests only; never deploy it.

It speaks the part of Auth0 that a browser login with a redirect Action needs, runs the unmodified
Actions under Node, keeps everything in memory and stores its users' passwords in clear text. What
Auth0 does not document is decided in one table, `assumptions.py`.
"""

"""
A stand-in for an Auth0 tenant, for development and tests only; never deploy it.

It has the endpoints of Auth0 that a browser login with a redirect Action needs, and runs the
unmodified Actions under Node. It keeps everything in memory and has its users' passwords in clear
text. Where Auth0 does not document what it does, `assumptions.py` says what this tenant does.
"""

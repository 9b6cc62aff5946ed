"""
One file per attack: who the attacker is, what they want, and what stops them.

The tokens are real. Beside each attack that is refused, the same request without the attack passes.
Attacks run against an API for tokens of one organization (design D) and, where it applies, against
an API for tokens of all organizations and a header (design C). `SECURITY.md` lists them all.
"""

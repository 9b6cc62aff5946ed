"""
One file an attack: who the attacker is, what they want, and what stops them.

Tokens are real, and each refusal stands beside the same request unchanged, which passes. Attacks
run against one organization per token (design D) and, where it means anything, against all
organizations in the token and one in a header (design C). `SECURITY.md` lists them all.
"""

"""Consent, gating and proof as pure rules: facts in, verdicts out; no clock, no I/O, standard library only.

Written so that a lawyer, an auditor or a participant's own verifier can read it and run it again.
"""

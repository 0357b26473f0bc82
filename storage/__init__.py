"""Everything at rest: database, consent log, keys, sealed sound and text, and their offline check.

Import the parts from their own modules; nothing is re-exported here, so that importing one does not reach the gate.
"""

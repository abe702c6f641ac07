"""The language server: what an editor shows of a spec while it is written.

`server` implements the protocol, over pygls; everything else answers one kind of question each and works
on half-typed text.
"""

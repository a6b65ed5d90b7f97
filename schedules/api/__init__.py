"""The REST API: routers, and what every one of them asks and answers in the same way.

`site.api` holds the routers of this package; a project adds its own to it with `add_router` before
its addresses are read. Views authorise, load, call one operation and return a shape.
"""

"""/mcp: every action as a tool for programs that speak the Model Context Protocol (https://modelcontextprotocol.io).

service.py answers the protocol's requests; tools.py says what there is, calls.py runs it, told.py says what was found.
The library is named `mcp` too: imports are absolute, so the two never meet.
"""

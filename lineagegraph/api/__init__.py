"""The graph over HTTP: GraphQL on Starlette, with tokens, limits and errors that carry codes."""

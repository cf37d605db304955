"""The court over HTTP: routes in one table, the WebSocket shell, uploads, the clerk's desk."""

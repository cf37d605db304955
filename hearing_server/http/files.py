"""TEMPORARY"""

from aiohttp import web


class Files:
    def __init__(self, court, exporter, uploads):
        pass

    def add_uploads(self, app):
        pass

    async def blob(self, r):
        raise web.HTTPNotFound

    async def export(self, r):
        raise web.HTTPNotFound

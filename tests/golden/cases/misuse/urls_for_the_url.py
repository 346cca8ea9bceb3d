import asyncio

import aiohttp


async def fetch(session, url):
    async with session.get(url) as response:
        return await response.text()


async def fetch_all(urls):
    async with aiohttp.ClientSession() as session:
        tasks = [fetch(session, urls) for url in urls]
        return await asyncio.gather(*tasks)


def main(urls):
    for url, text in zip(urls, asyncio.run(fetch_all(urls))):
        print(url, len(text))
# output
import asyncio

import aiohttp


async def fetch(session, url):
    async with session.get(url) as response:
        return await response.text()


async def fetch_all(urls):
    async with aiohttp.ClientSession() as session:
        tasks = [fetch(session, url) for url in urls]
        return await asyncio.gather(*tasks)


def main(urls):
    for url, text in zip(urls, asyncio.run(fetch_all(urls))):
        print(url, len(text))

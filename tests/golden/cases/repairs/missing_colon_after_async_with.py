import asyncio

import aiofiles


async def read_all(paths):
    texts = {}
    for path in paths:
        async with aiofiles.open(path) as file
            texts[path] = await file.read()
    return texts


async def main():
    texts = await read_all(["a.txt", "b.txt"])
    print(sum(len(text) for text in texts.values()))


asyncio.run(main())
# output
import asyncio

import aiofiles


async def read_all(paths):
    texts = {}
    for path in paths:
        async with aiofiles.open(path) as file:
            texts[path] = await file.read()
    return texts


async def main():
    texts = await read_all(["a.txt", "b.txt"])
    print(sum(len(text) for text in texts.values()))


asyncio.run(main())

import asyncio


def main():
    await asyncio.sleep(1)


asyncio.run(main())
# output
import asyncio


async def main():
    await asyncio.sleep(1)


asyncio.run(main())

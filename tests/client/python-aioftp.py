import aioftp, asyncio, os, ssl

env = os.environ
there, name = "/" + env["DIR"], env["NAME"]


async def get(site, path, local, offset=0):
    async with site.download_stream(path, offset=offset) as stream:
        with open(local, "ab" if offset else "wb") as file:
            async for block in stream.iter_by_block():
                file.write(block)


async def put(site, local, path, offset=0):
    async with site.upload_stream(path, offset=offset) as stream:
        with open(local, "rb") as file:
            file.seek(offset)
            await stream.write(file.read())


async def main():
    site = aioftp.Client(socket_timeout=20)
    await site.connect(env["HOST"], int(env["PORT"]))
    if env["TLS"]:
        await site.upgrade_to_tls(sslcontext=ssl._create_unverified_context())
    await site.login(env["FTP_USER"], env["FTP_PASSWORD"])
    with open("listing.txt", "w") as listing:
        for path, facts in await site.list(there):
            listing.write(f"{path} {facts['type']}\n")
    await get(site, "/pub/big.bin", "got.bin")
    await get(site, f"{there}/{name}", "awkward.bin")
    await get(site, "/pub/big.bin", "resumed.bin", os.path.getsize("resumed.bin"))
    await put(site, "up.bin", f"{there}/up.bin")
    await put(site, "up.bin", f"{there}/new-{name}")
    await put(site, "half.bin", f"{there}/half.bin", int(env["HALF"]))
    await site.rename(f"{there}/old-name", f"{there}/new-name")
    await site.remove_file(f"{there}/unwanted")
    await site.make_directory(f"{there}/made")
    await site.command(f"MFMT 20010203040506 {there}/dated", "213")
    stream = await site.download_stream(env["ENDLESS"])
    assert await stream.read(1000)
    await site.abort()
    stream.close()
    await get(site, "/pub/hello.txt", "after.txt")
    for number in range(10):
        await get(site, f"{there}/ten.txt", f"ten.{number}")
    await site.quit()


asyncio.run(main())

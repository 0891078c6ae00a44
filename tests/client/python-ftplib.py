import ftplib, os

env = os.environ
site = ftplib.FTP(timeout=20)
site.connect(env["HOST"], int(env["PORT"]))
site.encoding = "utf-8"
site.login(env["FTP_USER"], env["FTP_PASSWORD"])
site.set_pasv(env["PASSIVE"] == "yes")
there, name = "/" + env["DIR"], env["NAME"]


def get(path, local, mode="wb"):
    with open(local, mode) as file:
        site.retrbinary("RETR " + path, file.write, rest=file.tell() or None)


with open("listing.txt", "w") as listing:
    site.dir(there, lambda line: listing.write(line + "\n"))
assert (name, "file") in [(name, facts["type"]) for name, facts in site.mlsd(there)]
get("/pub/big.bin", "got.bin")
get(f"{there}/{name}", "awkward.bin")
get("/pub/big.bin", "resumed.bin", "ab")
with open("up.bin", "rb") as file:
    site.storbinary(f"STOR {there}/up.bin", file)
with open("up.bin", "rb") as file:
    site.storbinary(f"STOR {there}/new-{name}", file)
with open("half.bin", "rb") as file:
    file.seek(site.size(f"{there}/half.bin"))
    site.storbinary(f"STOR {there}/half.bin", file, rest=file.tell())
site.rename(f"{there}/old-name", f"{there}/new-name")
site.delete(f"{there}/unwanted")
site.mkd(f"{there}/made")
site.sendcmd(f"MFMT 20010203040506 {there}/dated")
data = site.transfercmd("RETR " + env["ENDLESS"])
assert data.recv(1000)
# It reads one reply, the transfer's; the one to ABOR is left.
site.abort()
data.close()
site.voidresp()
get("/pub/hello.txt", "after.txt")
site.quit()

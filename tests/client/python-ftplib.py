import ftplib, os, ssl, sys

env = os.environ


class Resuming(ftplib.FTP_TLS):
    """Data connections go on with the session of the control connection, which FTP_TLS never does."""

    def ntransfercmd(self, command, rest=None):
        data, size = ftplib.FTP.ntransfercmd(self, command, rest)
        if self._prot_p:
            data = self.context.wrap_socket(data, server_hostname=self.host, session=self.sock.session)
        return data, size


def client():
    if not env["TLS"]:
        return ftplib.FTP(timeout=20)
    kind = Resuming if "resuming" in sys.argv else ftplib.FTP_TLS
    return kind(timeout=20, context=ssl._create_unverified_context())


site = client()
site.connect(env["HOST"], int(env["PORT"]))
site.encoding = "utf-8"
site.login(env["FTP_USER"], env["FTP_PASSWORD"])
if env["TLS"]:
    site.prot_p()
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
for number in range(10):
    get(f"{there}/ten.txt", f"ten.{number}")
site.quit()

set -eu
exec python3 - <<'END'
import ftplib, os

site = ftplib.FTP(timeout=20)
site.connect(os.environ["HOST"], int(os.environ["PORT"]))
site.login(os.environ["FTP_USER"], os.environ["FTP_PASSWORD"])
site.set_pasv(os.environ["PASSIVE"] == "yes")
there = "/" + os.environ["DIR"]

with open("listing.txt", "w") as listing:
    site.dir("/pub", lambda line: listing.write(line + "\n"))
    for name, facts in site.mlsd("/pub"):
        listing.write(f"{name} {facts['type']}\n")
with open("got.bin", "wb") as file:
    site.retrbinary("RETR /pub/big.bin", file.write)
with open("resumed.bin", "ab") as file:
    site.retrbinary("RETR /pub/big.bin", file.write, rest=file.tell())
with open("up.bin", "rb") as file:
    site.storbinary(f"STOR {there}/up.bin", file)
with open("half.bin", "rb") as file:
    file.seek(site.size(f"{there}/half.bin"))
    site.storbinary(f"STOR {there}/half.bin", file, rest=file.tell())
site.rename(f"{there}/old-name", f"{there}/new-name")
site.delete(f"{there}/unwanted")
site.quit()
END

const fs = require("node:fs")
const { Writable } = require("node:stream")
const { Client } = require(process.env.MADE + "/node_modules/basic-ftp")

const { HOST, PORT, FTP_USER, FTP_PASSWORD, TLS, DIR, NAME, ENDLESS } = process.env
const there = "/" + DIR

async function main() {
    const site = new Client(20000)
    const version = "TLSv" + TLS
    const secureOptions = { rejectUnauthorized: false, minVersion: version, maxVersion: version }
    const tls = TLS ? { secure: true, secureOptions } : {}
    const enter = () => site.access({ host: HOST, port: Number(PORT), user: FTP_USER, password: FTP_PASSWORD, ...tls })
    await enter()
    const entries = await site.list(there)
    fs.writeFileSync("listing.txt", entries.map(entry => `${entry.name} ${entry.size}\n`).join(""))
    await site.downloadTo("got.bin", "/pub/big.bin")
    await site.downloadTo("awkward.bin", `${there}/${NAME}`)
    await site.downloadTo("resumed.bin", "/pub/big.bin", fs.statSync("resumed.bin").size)
    await site.uploadFrom("up.bin", `${there}/up.bin`)
    await site.uploadFrom("up.bin", `${there}/new-${NAME}`)
    await site.appendFrom("half.bin", `${there}/half.bin`, { localStart: await site.size(`${there}/half.bin`) })
    await site.rename(`${there}/old-name`, `${there}/new-name`)
    await site.remove(`${there}/unwanted`)
    await site.ensureDir(`${there}/made`)
    await site.send(`MDTM 20010203040506 ${there}/dated`)
    // It aborts by closing both connections, and comes back.
    const closing = new Writable({ write: () => site.close() })
    await site.downloadTo(closing, ENDLESS).catch(() => {})
    await enter()
    await site.downloadTo("after.txt", "/pub/hello.txt")
    for (let number = 0; number < 10; number++) await site.downloadTo(`ten.${number}`, `${there}/ten.txt`)
    site.close()
}

main().catch(error => {
    console.error(error)
    process.exit(1)
})

package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/jlaffaye/ftp"
)

var site *ftp.ServerConn

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func get(path string, local string, flags int, offset int64) {
	file, err := os.OpenFile(local, os.O_WRONLY|flags, 0o644)
	must(err)
	data, err := site.RetrFrom(path, uint64(offset))
	must(err)
	_, err = io.Copy(file, data)
	must(err)
	must(data.Close())
	must(file.Close())
}

func put(local string, path string, offset int64) {
	file, err := os.Open(local)
	must(err)
	_, err = file.Seek(offset, io.SeekStart)
	must(err)
	must(site.StorFrom(path, file, uint64(offset)))
}

// It resumes sessions if it is given a place to keep them; arguments say whether it is.
func options() []ftp.DialOption {
	options := []ftp.DialOption{ftp.DialWithTimeout(20 * time.Second)}
	if os.Getenv("TLS") == "" {
		return options
	}
	version := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[os.Getenv("TLS")]
	config := &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", MinVersion: version, MaxVersion: version}
	if len(os.Args) > 1 && os.Args[1] == "resuming" {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	return append(options, ftp.DialWithExplicitTLS(config))
}

func main() {
	there, name := "/"+os.Getenv("DIR"), os.Getenv("NAME")
	var err error
	site, err = ftp.Dial(net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT")), options()...)
	must(err)
	must(site.Login(os.Getenv("FTP_USER"), os.Getenv("FTP_PASSWORD")))

	listing, err := os.Create("listing.txt")
	must(err)
	entries, err := site.List(there)
	must(err)
	for _, entry := range entries {
		fmt.Fprintln(listing, entry.Name, entry.Size)
	}
	get("/pub/big.bin", "got.bin", os.O_CREATE, 0)
	get(there+"/"+name, "awkward.bin", os.O_CREATE, 0)
	resumed, err := os.Stat("resumed.bin")
	must(err)
	get("/pub/big.bin", "resumed.bin", os.O_APPEND, resumed.Size())
	put("up.bin", there+"/up.bin", 0)
	put("up.bin", there+"/new-"+name, 0)
	half, err := site.FileSize(there + "/half.bin")
	must(err)
	put("half.bin", there+"/half.bin", half)
	must(site.Rename(there+"/old-name", there+"/new-name"))
	must(site.Delete(there + "/unwanted"))
	must(site.MakeDir(there + "/made"))
	must(site.SetTime(there+"/dated", time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)))
	data, err := site.Retr(os.Getenv("ENDLESS"))
	must(err)
	_, err = io.ReadFull(data, make([]byte, 1000))
	must(err)
	// It closes the data connection, and reads what the server has to say about that.
	fmt.Println(data.Close())
	get("/pub/hello.txt", "after.txt", os.O_CREATE, 0)
	for number := 0; number < 10; number++ {
		get(there+"/ten.txt", fmt.Sprint("ten.", number), os.O_CREATE, 0)
	}
	must(site.Quit())
}

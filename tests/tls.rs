//! TLS, as clients have it and as the machine sees it.
#![cfg(test)]

mod harness;

use harness::{Site, Tls};

#[test]
fn transfers_are_whole_over_both_versions() {
    let every_byte: Vec<u8> = (0..300_000u32).map(|number| (number % 251) as u8).collect();
    for tls in [Tls::new(), Tls::old()] {
        let site = Site::writable().with_tls().file("/pub/large", &every_byte);
        let mut session = site.connect().protected(&tls);
        session.asks("TYPE I", "200");
        for round in 0..12 {
            assert!(session.gets("pub/large") == every_byte, "round {round}");
            session.puts("incoming/large", &every_byte);
            assert!(site.content("/incoming/large").unwrap() == every_byte, "round {round}");
        }
        session.puts("incoming/empty", b"");
        assert_eq!(site.content("/incoming/empty"), Some(vec![]));
        assert_eq!(session.gets("pub/empty"), b"");
        session.quits();
        assert_eq!(site.log().faults(), Vec::<String>::new());
    }
}

//! Addresses of data connections: RFC 959 PORT and PASV, RFC 2428 EPRT and EPSV. Session worker;
//! trusts no one.
//!
//! Only the form is judged here. Whether an address may be connected to is the broker's to decide.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};
use std::str::FromStr;

/// Why text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadAddress {
    /// Not the grammar: 501.
    Syntax,
    /// A network protocol other than 1 (IPv4) and 2 (IPv6): 522 (RFC 2428 §2).
    UnknownFamily,
}

/// What EPSV asks for (RFC 2428 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpsvArgument {
    /// The family of the control connection.
    Plain,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// EPSV only, from now on (§4).
    All,
}

/// `h1,h2,h3,h4,p1,p2` (RFC 959 §4.1.2).
pub fn parse_port(arg: &[u8]) -> Result<SocketAddrV4, BadAddress> {
    let mut fields = arg.trim_ascii().split(|&byte| byte == b',');
    let mut numbers = [0; 6];
    for number in &mut numbers {
        *number = fields.next().and_then(decimal).ok_or(BadAddress::Syntax)?;
    }
    if fields.next().is_some() {
        return Err(BadAddress::Syntax);
    }
    let [h1, h2, h3, h4, p1, p2] = numbers;
    Ok(SocketAddrV4::new(Ipv4Addr::new(h1, h2, h3, h4), u16::from_be_bytes([p1, p2])))
}

/// `|proto|address|port|`, with any printable delimiter (RFC 2428 §2).
pub fn parse_eprt(arg: &[u8]) -> Result<SocketAddr, BadAddress> {
    let arg = arg.trim_ascii();
    let delimiter = arg.first().filter(|byte| byte.is_ascii_graphic()).ok_or(BadAddress::Syntax)?;
    let mut fields = arg.split(|byte| byte == delimiter);
    let fields: [Option<&[u8]>; 6] = std::array::from_fn(|_| fields.next());
    let [Some(b""), Some(family), Some(ip), Some(port), Some(b""), None] = fields else {
        return Err(BadAddress::Syntax);
    };
    let ip = match parse_family(family)? {
        Family::V4 => parse_ip::<Ipv4Addr>(ip)?.into(),
        Family::V6 => parse_ip::<Ipv6Addr>(ip)?.into(),
    };
    let port = decimal(port).ok_or(BadAddress::Syntax)?;
    Ok(SocketAddr::new(ip, port))
}

/// Nothing, a family, or `ALL` (RFC 2428 §3).
pub fn parse_epsv(arg: Option<&[u8]>) -> Result<EpsvArgument, BadAddress> {
    match arg.unwrap_or_default().trim_ascii() {
        b"" => Ok(EpsvArgument::Plain),
        all if all.eq_ignore_ascii_case(b"ALL") => Ok(EpsvArgument::All),
        family => Ok(match parse_family(family)? {
            Family::V4 => EpsvArgument::V4,
            Family::V6 => EpsvArgument::V6,
        }),
    }
}

/// The text of 227. Clients look for the parentheses (RFC 1123 §4.1.2.6).
pub fn pasv_text(addr: SocketAddrV4) -> String {
    let [h1, h2, h3, h4] = addr.ip().octets();
    let [p1, p2] = addr.port().to_be_bytes();
    format!("Entering Passive Mode ({h1},{h2},{h3},{h4},{p1},{p2}).")
}

/// The text of 229 (RFC 2428 §3).
pub fn epsv_text(port: u16) -> String {
    format!("Entering Extended Passive Mode (|||{port}|).")
}

enum Family {
    V4,
    V6,
}

fn parse_family(text: &[u8]) -> Result<Family, BadAddress> {
    match text {
        b"1" => Ok(Family::V4),
        b"2" => Ok(Family::V6),
        [_, ..] if text.iter().all(u8::is_ascii_digit) => Err(BadAddress::UnknownFamily),
        _ => Err(BadAddress::Syntax),
    }
}

fn parse_ip<T: FromStr>(text: &[u8]) -> Result<T, BadAddress> {
    let text = std::str::from_utf8(text).map_err(|_| BadAddress::Syntax)?;
    text.parse().map_err(|_| BadAddress::Syntax)
}

// `parse` alone would take a plus sign.
fn decimal<T: FromStr>(text: &[u8]) -> Option<T> {
    let digits = text.iter().all(u8::is_ascii_digit).then_some(text)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn port_takes_six_octets_and_nothing_else() {
        // RFC 959 §5.3.2
        assert_eq!(parse_port(b"10,0,0,1,4,1"), Ok("10.0.0.1:1025".parse().unwrap()));
        assert_eq!(parse_port(b" 10,0,0,1,4,1 "), Ok("10.0.0.1:1025".parse().unwrap()));
        for junk in [
            "",
            "1,2,3,4,5",
            "1,2,3,4,5,6,7",
            "256,0,0,1,4,1",
            "+1,0,0,1,4,1",
            "-1,0,0,1,4,1",
            "1,2,3,4,5,",
            "1.2.3.4,5,6",
            "a,b,c,d,e,f",
            "1, 2,3,4,5,6",
            "99999999999999999999,0,0,1,4,1",
        ] {
            assert_eq!(parse_port(junk.as_bytes()), Err(BadAddress::Syntax), "{junk}");
        }
    }

    #[test]
    fn eprt_takes_any_printable_delimiter() {
        // RFC 2428 §2
        for (said, meant) in [
            ("|1|132.235.1.2|6275|", "132.235.1.2:6275"),
            ("|2|1080::8:800:200C:417A|5282|", "[1080::8:800:200C:417A]:5282"),
            ("!1!10.0.0.1!65535!", "10.0.0.1:65535"),
            ("~2~::ffff:10.0.0.1~21~", "[::ffff:10.0.0.1]:21"),
        ] {
            assert_eq!(parse_eprt(said.as_bytes()), Ok(meant.parse().unwrap()), "{said}");
        }
    }

    #[test]
    fn eprt_refuses_what_is_not_the_grammar() {
        for junk in [
            "",
            "|",
            "|1|",
            "|1|10.0.0.1|65536|",
            "|1|10.0.0.1|21",
            "|1|10.0.0.1|21||",
            "|1|::1|21|",
            "|2|10.0.0.1|21|",
            "|2|fe80::1%eth0|21|",
            "|1|10.0.0.1|+21|",
            "|1|10.0.0.1||",
            "||10.0.0.1|21|",
            "|x|10.0.0.1|21|",
            "\u{7f}1\u{7f}10.0.0.1\u{7f}21\u{7f}",
            "|1|010.0.0.1|21|",
        ] {
            assert_eq!(parse_eprt(junk.as_bytes()), Err(BadAddress::Syntax), "{junk}");
        }
    }

    #[test]
    fn an_unknown_family_is_told_apart_from_junk() {
        // RFC 2428 §2: 522, not 501
        assert_eq!(parse_eprt(b"|3|10.0.0.1|21|"), Err(BadAddress::UnknownFamily));
        assert_eq!(parse_epsv(Some(b"3")), Err(BadAddress::UnknownFamily));
        assert_eq!(parse_epsv(Some(b"x")), Err(BadAddress::Syntax));
    }

    #[test]
    fn epsv_takes_a_family_or_all() {
        // RFC 2428 §3
        let table: &[(Option<&[u8]>, EpsvArgument)] = &[
            (None, EpsvArgument::Plain),
            (Some(b""), EpsvArgument::Plain),
            (Some(b"1"), EpsvArgument::V4),
            (Some(b" 2"), EpsvArgument::V6),
            (Some(b"all"), EpsvArgument::All),
        ];
        for (arg, meant) in table {
            assert_eq!(parse_epsv(*arg), Ok(*meant));
        }
    }

    #[test]
    fn passive_replies_keep_their_parentheses() {
        // RFC 1123 §4.1.2.6, RFC 2428 §3
        let text = pasv_text("10.0.0.1:1025".parse().unwrap());
        assert_eq!(text, "Entering Passive Mode (10,0,0,1,4,1).");
        assert_eq!(epsv_text(1025), "Entering Extended Passive Mode (|||1025|).");
    }

    proptest! {
        #[test]
        fn what_pasv_says_port_reads(ip: u32, port: u16) {
            let addr = SocketAddrV4::new(ip.into(), port);
            let text = pasv_text(addr);
            let inner = &text[text.find('(').unwrap() + 1..text.find(')').unwrap()];
            prop_assert_eq!(parse_port(inner.as_bytes()), Ok(addr));
        }

        #[test]
        fn eprt_reads_any_address(ip: IpAddr, port: u16) {
            let family = if ip.is_ipv4() { 1 } else { 2 };
            let said = format!("|{family}|{ip}|{port}|");
            prop_assert_eq!(parse_eprt(said.as_bytes()), Ok(SocketAddr::new(ip, port)));
        }
    }
}

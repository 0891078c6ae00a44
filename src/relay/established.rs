//! What a handshake came to, in words for the log. Relay.

use rustls::ProtocolVersion;
use rustls::pki_types::CertificateDer;
use rustls::server::ServerConnection;

use super::ticket::is_resumed;
use crate::config::x509;
use crate::wire::Bounded;
use crate::wire::relay::{Established, Of};

/// Describes a connection whose handshake has ended.
pub fn describe(connection: &ServerConnection, of: Of) -> Established {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
        version => format!("{version:?}"),
    };
    // rustls has a prefix of its own for the suites of TLS 1.3.
    let suite = connection
        .negotiated_cipher_suite()
        .map_or_else(String::new, |suite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"));
    let group = connection
        .negotiated_key_exchange_group()
        .map_or_else(String::new, |group| format!("{:?}", group.name()));
    let certificate = match (of, shown(connection)) {
        (Of::Control, Some(certificate)) => {
            Some(Bounded::cut(x509::subject(certificate).as_bytes()))
        }
        _ => None,
    };
    Established {
        of,
        version: Bounded::cut(version.as_bytes()),
        suite: Bounded::cut(suite.as_bytes()),
        group: Bounded::cut(group.as_bytes()),
        resumed: is_resumed(connection, of),
        host: connection
            .server_name()
            .map(|name| Bounded::cut(name.to_ascii_lowercase().as_bytes())),
        certificate,
    }
}

/// The certificate that the client has shown, here or where the session began.
pub fn shown(connection: &ServerConnection) -> Option<&CertificateDer<'static>> {
    connection.peer_certificates()?.first()
}

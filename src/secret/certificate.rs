//! When certificates end.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::clock::Timestamp;

/// The last moment at which every certificate in `pem` (a leaf, or a leaf with its chain) is valid: the earliest of
/// their ends, since a chain is no better than its weakest link. Private keys in the same file are passed over.
///
/// # Errors
/// What is wrong with the file's content; the content itself is never repeated.
pub fn certificate_expiry(pem: &[u8]) -> Result<Timestamp, String> {
    let mut earliest: Option<Timestamp> = None;
    for (index, block) in CertificateDer::pem_slice_iter(pem).enumerate() {
        let number = index + 1;
        let der = block.map_err(|e| format!("certificate {number} is not readable PEM: {e}"))?;
        let (_, certificate) = x509_parser::parse_x509_certificate(&der)
            .map_err(|_| format!("certificate {number} is not an X.509 certificate"))?;
        let seconds = certificate.validity().not_after.timestamp();
        let end = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        earliest = Some(earliest.map_or(end, |e| e.min(end)));
    }
    earliest.ok_or_else(|| {
        "no certificate in it: expected PEM, a block that begins with -----BEGIN CERTIFICATE-----".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(year: i32) -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, 3, 1);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn the_end_is_read_past_a_key_in_the_same_file() {
        let (pem, key) = certificate(2027);
        let end = certificate_expiry(format!("{key}{pem}").as_bytes()).unwrap();
        assert_eq!(end.to_string(), "2027-03-01T09:00:00+09:00");
    }

    #[test]
    fn of_a_chain_the_earliest_end_counts() {
        let (leaf, _) = certificate(2029);
        let (issuer, _) = certificate(2028);
        let end = certificate_expiry(format!("{leaf}{issuer}").as_bytes()).unwrap();
        assert_eq!(end.to_string(), "2028-03-01T09:00:00+09:00");
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let (_, key) = certificate(2027);
        for bad in ["", "hello", key.as_str()] {
            assert!(certificate_expiry(bad.as_bytes()).unwrap_err().contains("no certificate in it"));
        }
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(
            certificate_expiry(broken.as_bytes()).unwrap_err(),
            "certificate 1 is not an X.509 certificate"
        );
    }
}

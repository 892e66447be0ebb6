//! gzip without compression (RFC 1952, RFC 1951 §3.2.4): what a mall sends compressed needs no less of a reader for it.

/// Bytes of a stored block at most.
const BLOCK: usize = 0xFFFF;

/// `data` as a gzip member of stored blocks.
pub(crate) fn stored(data: &[u8]) -> Vec<u8> {
    // No name, no time, an unknown system.
    let mut out = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF];
    let blocks = data.len().div_ceil(BLOCK).max(1);
    for n in 0..blocks {
        let block = &data[n * BLOCK..data.len().min((n + 1) * BLOCK)];
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(n + 1 == blocks));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(data).to_le_bytes());
    out.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
    out
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let packed = stored(b"123456789");
        assert_eq!(packed.len(), 10 + 5 + 9 + 8);
        assert_eq!(stored(&vec![7; BLOCK + 1]).len(), 10 + 2 * 5 + BLOCK + 1 + 8);
    }
}

//! Decryption of what is not secret: values that tools obfuscate with a key which they publish, key stores behind passwords that
//! everybody knows, and values whose key lies beside them. No key of ours is involved and nothing is encrypted, so timing and
//! padding oracles do not matter.

use aes::cipher::{
    Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit,
    array::{Array, ArraySize},
};
use hmac::{Hmac, Mac, digest::block_api::EagerHash};
use sha2::Digest;
use zeroize::Zeroizing;

/// Undoes cipher block chaining (NIST SP 800-38A, section 6.2) and its padding (PKCS#7). `None` where a length or the padding is
/// wrong.
pub(crate) fn cbc<C: BlockCipherDecrypt + KeyInit>(key: &[u8], iv: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key).ok()?;
    let mut before = Block::<C>::try_from(iv).ok()?;
    let mut plain = Vec::with_capacity(sealed.len());
    for chunk in sealed.chunks(before.len()) {
        let mut block = Block::<C>::try_from(chunk).ok()?;
        cipher.decrypt_block(&mut block);
        plain.extend(block.iter().zip(&before).map(|(a, b)| a ^ b));
        before = Block::<C>::try_from(chunk).ok()?;
    }
    unpadded(plain, before.len())
}

/// Undoes the electronic codebook mode and its padding.
pub(crate) fn ecb<C: BlockCipherDecrypt + KeyInit>(key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key).ok()?;
    let size = Block::<C>::default().len();
    let mut plain = Vec::with_capacity(sealed.len());
    for chunk in sealed.chunks(size) {
        let mut block = Block::<C>::try_from(chunk).ok()?;
        cipher.decrypt_block(&mut block);
        plain.extend_from_slice(&block);
    }
    unpadded(plain, size)
}

/// Applies counter mode with a counter of the whole block, most significant byte first.
pub(crate) fn ctr<C: BlockCipherEncrypt + KeyInit>(key: &[u8], iv: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key).ok()?;
    let mut counter = Block::<C>::try_from(iv).ok()?;
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.chunks(counter.len()) {
        let mut stream = counter.clone();
        cipher.encrypt_block(&mut stream);
        out.extend(chunk.iter().zip(&stream).map(|(a, b)| a ^ b));
        increment(&mut counter);
    }
    Some(out)
}

/// PBKDF2 (RFC 8018, section 5.2), `length` bytes. The caller bounds the rounds.
pub(crate) fn pbkdf2<D: EagerHash + Digest>(password: &[u8], salt: &[u8], rounds: u64, length: usize) -> Option<Zeroizing<Vec<u8>>> {
    let keyed = Hmac::<D>::new_from_slice(password).ok()?;
    let mut key = Zeroizing::new(Vec::new());
    for block in 1..=u32::try_from(length.div_ceil(<D as Digest>::output_size())).ok()? {
        let mut mac = keyed.clone();
        mac.update(salt);
        mac.update(&block.to_be_bytes());
        let mut value = mac.finalize().into_bytes();
        let mut sum = value.clone();
        for _ in 1..rounds {
            let mut mac = keyed.clone();
            mac.update(&value);
            value = mac.finalize().into_bytes();
            sum.iter_mut().zip(&value).for_each(|(sum, byte)| *sum ^= byte);
        }
        key.extend_from_slice(&sum);
    }
    key.truncate(length);
    Some(key)
}

fn increment<N: ArraySize>(counter: &mut Array<u8, N>) {
    for byte in counter.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return;
        }
    }
}

fn unpadded(mut plain: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    let count = usize::from(*plain.last()?);
    let body = plain.len().checked_sub(count).filter(|_| (1..=size).contains(&count))?;
    plain.get(body..)?.iter().all(|byte| usize::from(*byte) == count).then(|| plain.truncate(body))?;
    Some(plain)
}

#[cfg(test)]
mod tests {
    use aes::{Aes128, Aes256};
    use data_encoding::HEXLOWER;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).expect("hex")
    }

    #[test]
    fn vectors_of_the_standard() {
        // NIST SP 800-38A, F.2.1 (CBC), with a block of padding behind; F.5.5 (CTR).
        let (key, iv) = (hex("2b7e151628aed2a6abf7158809cf4f3c"), hex("000102030405060708090a0b0c0d0e0f"));
        let sealed = hex("7649abac8119b246cee98e9b12e9197d8964e0b149c10b7b682e6e39aaeb731c");
        assert!(cbc::<Aes128>(&key, &iv, &sealed[..16]).is_none(), "no padding");
        assert!(cbc::<Aes128>(&key, &iv, &sealed[..15]).is_none());
        let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let counter = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
        let sealed = hex("601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5");
        let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        assert_eq!(ctr::<Aes256>(&key, &counter, &sealed), Some(plain));
    }
}

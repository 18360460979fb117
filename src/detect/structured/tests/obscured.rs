//! Values that tools hide with keys which they publish.

use std::process::Command;

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt, KeyInit, array::Array},
};
use data_encoding::{BASE64, HEXLOWER, HEXUPPER};

use super::{check, check_fact, fields};

const NOTE: &str = "obfuscated with the tool's published key";

#[test]
fn rclone() {
    let password = format!("pa{}wörd", 55);
    match Command::new("rclone").args(["obscure", &password]).env("HOME", "/nonexistent").output() {
        Ok(output) => {
            let hidden = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            let file = format!("[box]\ntype = sftp\nhost = h.example.com\npass = {hidden}\n");
            check("root/.config/rclone/rclone.conf", &file, &[("rclone-password", &password)]);
            check_fact("root/.config/rclone/rclone.conf", &file, NOTE);
        }
        Err(error) => println!("skipped: rclone: {error}"),
    }
    check("rclone.conf", "[box]\npass = not_of_that_form\n", &[("rclone-password", "not_of_that_form")]);
}

#[test]
fn winscp() {
    let hide = |bytes: &[u8]| HEXUPPER.encode(&bytes.iter().map(|byte| !byte ^ 0xa3).collect::<Vec<u8>>());
    let session = |hidden: &str| format!("[Sessions\\web]\nHostName=h.example.com\nUserName=joe\nPassword={hidden}\n");
    let text = b"joeh.example.comhunter2x";
    let length = u8::try_from(text.len()).expect("short");
    let hidden = hide(&[&[0xff, 0, length, 3, 9, 9, 9], &text[..], b"filler"].concat());
    check("WinSCP.ini", &session(&hidden), &[("winscp-password", "hunter2x")]);
    check_fact("WinSCP.ini", &session(&hidden), "host h.example.com");
    let old = hide(&[&[8, 1, 9], &b"hunter2x"[..], b"filler"].concat());
    check("WinSCP.ini", &session(&old), &[("winscp-password", "hunter2x")]);
    let other = hide(&[&[0xff, 0, length, 0], &b"annh.example.comhunter2x"[..]].concat());
    check("WinSCP.ini", &session(&other), &[("winscp-password", &other)]);
}

#[test]
fn jetbrains() {
    let hidden: String = "hünter2x".encode_utf16().map(|unit| format!("{:04x}", unit ^ 0xdfaa)).collect();
    let file = format!(
        "<application><component><webServer><fileTransfer host=\"h.example.com\" username=\"joe\" password=\"{hidden}\"/></webServer></component></application>"
    );
    check(".idea/webServers.xml", &file, &[("editor-deployment-password", "hünter2x")]);
    check_fact(".idea/webServers.xml", &file, NOTE);
}

#[test]
fn dbeaver() {
    let phrase = b"sdf@!#$verf^wv%6Fwe%$$#FFGwfsdefwfe135s$^H)dg";
    let hidden: Vec<u8> = b"hunter2x\0\x81".iter().zip(phrase).map(|(a, b)| a ^ b).collect();
    let file = format!(
        "<data-sources><data-source><connection host=\"h\" user=\"joe\" password=\"{}\"/></data-source></data-sources>",
        BASE64.encode(&hidden)
    );
    check(".dbeaver-data-sources.xml", &file, &[("database-client-password", "hunter2x")]);

    let key = HEXLOWER.decode(b"babb4a9f774ab853c96c2d653dfe544a").expect("hex");
    let plain = br##"{"postgresql-1":{"#connection":{"user":"joe","password":"hunter2x"}}}"##;
    let iv = [7u8; 16];
    let sealed = seal(&key, plain, Some(iv));
    let path = "root/.local/share/DBeaverData/workspace6/General/.dbeaver/credentials-config.json";
    let found = fields(path, &[&iv[..], &sealed].concat());
    let expected = ("database-client-password".to_owned(), "hunter2x".to_owned(), vec!["user joe".to_owned(), NOTE.to_owned()]);
    assert!(found.contains(&expected), "{found:?}");
    // Under another key it is still a store of passwords.
    let sealed = seal(&[1; 16], plain, Some(iv));
    let found = fields(path, &[&iv[..], &sealed].concat());
    assert!(found.iter().any(|(rule, ..)| rule == "keyring-file"), "{found:?}");
}

#[test]
fn mysql() {
    let seed: Vec<u8> = (0u8..20).map(|n| n * 11 + 3).collect();
    let mut key = [0u8; 16];
    for (at, byte) in seed.iter().enumerate() {
        key[at % 16] ^= byte;
    }
    let mut file = [vec![0; 4], seed].concat();
    for line in ["[client]\n", "user = \"joe\"\n", "password = \"hunter2x\"\n", "host = \"db.example.com\"\n"] {
        let sealed = seal(&key, line.as_bytes(), None);
        file.extend(u32::try_from(sealed.len()).expect("short").to_le_bytes());
        file.extend(sealed);
    }
    let found = fields("root/.mylogin.cnf", &file);
    let (_, _, facts) = found.iter().find(|(rule, value, _)| rule == "mysql-option-password" && value == "hunter2x").expect("opened");
    assert!(["user joe", "host db.example.com", NOTE].iter().all(|fact| facts.iter().any(|have| have == fact)), "{facts:?}");
}

#[test]
fn unattend() {
    let utf16 = |text: &str| BASE64.encode(&text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    let file = format!("<unattend><AutoLogon><Password><Value>{}</Value></Password></AutoLogon></unattend>", utf16("hunter2xPassword"));
    check("unattend.xml", &file, &[("unattend-password", "hunter2x")]);
    let file = "<unattend><AutoLogon><Password><Value>hunter2x</Value></Password></AutoLogon></unattend>";
    check("unattend.xml", file, &[("unattend-password", "hunter2x")]);
}

/// AES-128 with padding, chained where there is a vector.
fn seal(key: &[u8], plain: &[u8], iv: Option<[u8; 16]>) -> Vec<u8> {
    let cipher = Aes128::new_from_slice(key).expect("sixteen bytes");
    let count = 16 - plain.len() % 16;
    let padded = [plain, &vec![u8::try_from(count).expect("small"); count]].concat();
    let (mut before, mut out) = (iv, Vec::new());
    for chunk in padded.as_chunks::<16>().0 {
        let mut block: [u8; 16] = *chunk;
        if let Some(before) = before {
            block.iter_mut().zip(before).for_each(|(a, b)| *a ^= b);
        }
        let mut sealed = Array::from(block);
        cipher.encrypt_block(&mut sealed);
        before = iv.map(|_| sealed.into());
        out.extend_from_slice(&sealed);
    }
    out
}

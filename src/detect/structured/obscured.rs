//! Passwords that a tool hides with a key which it publishes: they are as good as in the open, so the password itself is
//! reported, and is one finding with the same password elsewhere.

use aes::{Aes128, Aes256};
use data_encoding::HEXUPPER_PERMISSIVE;

use super::{
    Detector, Field,
    format::{Format, Syntax, credential},
    lines, whole,
};
use crate::{cipher, detect::Hint};

/// Evidence for all of them.
pub(super) const NOTE: &str = "obfuscated with the tool's published key";

/// Whose way of hiding a value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    /// `rclone obscure` (`fs/config/obscure/obscure.go`): AES-256 in counter mode, the vector in front.
    Rclone,
    /// WinSCP (`source/core/Security.cpp`): each byte xored; user and host in front of the password.
    WinScp,
    /// JetBrains (`PasswordUtil` of the IntelliJ platform): each UTF-16 unit xored, in hex.
    JetBrains,
    /// DBeaver before version 6 (`SimpleStringEncrypter`): xored with a phrase, an end mark, base64.
    DBeaver,
    /// Windows' answer files: UTF-16 in base64, the element's name behind the password.
    Unattend,
}

impl Tool {
    /// The value in the open; `None` where it is not of this form. `sibling` gives the value beside it under a key.
    pub(super) fn undo(self, value: &[u8], sibling: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let plain = match self {
            Self::Rclone => rclone(value)?,
            Self::WinScp => winscp(value, &[sibling("UserName").unwrap_or_default(), sibling("HostName").unwrap_or_default()].concat())?,
            Self::JetBrains => jetbrains(value)?,
            Self::DBeaver => dbeaver(value)?,
            Self::Unattend => unattend(value)?,
        };
        // What was hidden is a password that somebody typed. Anything else was not hidden in this way.
        let text = std::str::from_utf8(&plain).ok()?;
        (!text.is_empty() && !text.chars().any(char::is_control)).then_some(plain)
    }
}

/// <https://github.com/rclone/rclone/blob/master/fs/config/obscure/obscure.go>
fn rclone(value: &[u8]) -> Option<Vec<u8>> {
    const KEY: [u8; 32] = [
        0x9c, 0x93, 0x5b, 0x48, 0x73, 0x0a, 0x55, 0x4d, 0x6b, 0xfd, 0x7c, 0x63, 0xc8, 0x86, 0xa9, 0x2b, 0xd3, 0x90, 0x19, 0x8e, 0xb8, 0x12,
        0x8a, 0xfb, 0xf4, 0xde, 0x16, 0x2b, 0x8b, 0x95, 0xf6, 0x38,
    ];
    let bytes = data_encoding::BASE64URL_NOPAD.decode(value).ok()?;
    let (iv, sealed) = bytes.split_at_checked(16)?;
    cipher::ctr::<Aes256>(&KEY, iv, sealed)
}

/// <https://github.com/winscp/winscp/blob/master/source/core/Security.cpp>. A master password is another matter: not of this form.
fn winscp(value: &[u8], prefix: &[u8]) -> Option<Vec<u8>> {
    const FLAG: u8 = 0xff;
    let bytes: Vec<u8> = HEXUPPER_PERMISSIVE.decode(value).ok()?.into_iter().map(|byte| !(byte ^ 0xa3)).collect();
    let (length, rest) = match bytes.as_slice() {
        [FLAG, 0, length, rest @ ..] => (usize::from(*length), rest),
        [FLAG, 2, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        [FLAG, ..] | [] => return None,
        [length, rest @ ..] => (usize::from(*length), rest),
    };
    let (skipped, rest) = rest.split_first()?;
    let plain = rest.get(usize::from(*skipped)..)?.get(..length)?;
    let flagged = bytes.first() == Some(&FLAG);
    plain.strip_prefix(if flagged { prefix } else { b"" }).map(<[u8]>::to_vec)
}

/// <https://github.com/JetBrains/intellij-community/blob/master/platform/util/src/com/intellij/openapi/util/PasswordUtil.java>
fn jetbrains(value: &[u8]) -> Option<Vec<u8>> {
    let bytes = HEXUPPER_PERMISSIVE.decode(value).ok()?;
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit) ^ 0xdfaa).collect();
    rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten().map(String::into_bytes)
}

/// <https://github.com/dbeaver/dbeaver>, `SimpleStringEncrypter.java`.
fn dbeaver(value: &[u8]) -> Option<Vec<u8>> {
    const PHRASE: &[u8] = b"sdf@!#$verf^wv%6Fwe%$$#FFGwfsdefwfe135s$^H)dg";
    let bytes = data_encoding::BASE64.decode(value).ok()?;
    let mut plain: Vec<u8> = bytes.iter().zip(PHRASE.iter().cycle()).map(|(a, b)| a ^ b).collect();
    plain.ends_with(&[0, 0x81]).then(|| plain.truncate(plain.len() - 2))?;
    Some(plain)
}

/// <https://learn.microsoft.com/windows-hardware/customize/desktop/unattend/microsoft-windows-shell-setup-autologon-password>
fn unattend(value: &[u8]) -> Option<Vec<u8>> {
    let bytes = data_encoding::BASE64.decode(value).ok()?;
    let (units, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<_>>()).ok()?;
    let password = ["AdministratorPassword", "Password"].iter().find_map(|name| text.strip_suffix(name))?;
    rest.is_empty().then(|| password.as_bytes().to_vec())
}

/// A file that is hidden as a whole: opened, it is of another format.
pub(super) struct Sealed {
    format: Format,
    open: fn(&[u8]) -> Option<Vec<u8>>,
}

/// MySQL's login path. <https://dev.mysql.com/doc/refman/8.4/en/mysql-config-editor.html>
pub(super) static MYLOGIN: Sealed = Sealed {
    format: Format::new("mysql-login-path", &[".mylogin.cnf"], Syntax::Lines(lines::INI_EQUALS)).credentials(&[credential(
        "{login path}/password",
        "mysql-option-password",
    )
    .beside(&[("user", "user"), ("host", "host")])]),
    open: mylogin,
};

/// DBeaver since version 6. <https://github.com/dbeaver/dbeaver/wiki/Admin-Manage-Connections>
pub(super) static DBEAVER: Sealed = Sealed {
    format: Format::new("dbeaver-credentials", &["credentials-config.json"], Syntax::Json).credentials(&[credential(
        "**/password",
        "database-client-password",
    )
    .beside(&[("user", "user")])]),
    open: |text| {
        // Unless a master password of the project took the place of the key.
        const KEY: &[u8] = b"\xba\xbb\x4a\x9f\x77\x4a\xb8\x53\xc9\x6c\x2d\x65\x3d\xfe\x54\x4a";
        let (iv, sealed) = text.split_at_checked(16)?;
        cipher::cbc::<Aes128>(KEY, iv, sealed).filter(|plain| plain.trim_ascii_start().starts_with(b"{"))
    },
};

/// `mysys_ssl/my_default.cc`: four bytes of nothing, the key's twenty, then lines, each with its length in front.
fn mylogin(text: &[u8]) -> Option<Vec<u8>> {
    let (seed, mut rest) = text.get(4..)?.split_at_checked(20)?;
    let mut key = [0u8; 16];
    for (at, byte) in seed.iter().enumerate() {
        key[at % 16] ^= byte;
    }
    let mut plain = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (sealed, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        plain.extend(cipher::ecb::<Aes128>(&key, sealed)?);
        rest = after;
    }
    (rest.is_empty() && plain.starts_with(b"[")).then_some(plain)
}

impl Detector for Sealed {
    fn id(&self) -> &'static str {
        self.format.id()
    }

    fn files(&self) -> &'static [&'static str] {
        self.format.files()
    }

    #[cfg(test)]
    fn rules(&self) -> Vec<&'static str> {
        self.format.rules()
    }

    fn find(&self, text: &[u8], hint: &Hint<'_>, emit: &mut dyn FnMut(Field<'_>)) {
        let Some(plain) = (self.open)(text) else { return whole::KEYRING.find(text, hint, emit) };
        self.format.find(&plain, hint, &mut |field| {
            let evidence = field.evidence.iter().cloned().chain([NOTE.to_owned()]).collect();
            // Nothing of it stands in the file as it is.
            emit(Field { span: 0..text.len(), evidence, ..field });
        });
    }
}

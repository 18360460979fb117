//! Platforms: `os/arch[/variant]`, and which of an index's manifests one means.
//!
//! Names and variants: [containerd/platforms](https://github.com/containerd/platforms/blob/main/platforms.go), which docker and
//! Kubernetes use.

use std::fmt;

use serde::Deserialize;

use super::manifest::{null_default, printable};

/// `os/arch[/variant]`, with Go's names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Platform {
    #[serde(deserialize_with = "null_default")]
    pub(crate) os: String,
    #[serde(deserialize_with = "null_default")]
    pub(crate) architecture: String,
    #[serde(deserialize_with = "null_default")]
    pub(crate) variant: String,
}

impl Platform {
    /// What a user wrote for `--platform`.
    ///
    /// # Errors
    /// A sentence that says how a platform is written.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a platform; write os/arch or os/arch/variant, as in linux/arm64");
        let mut parts = text.split('/');
        let (os, architecture) = (parts.next().unwrap_or_default(), parts.next().ok_or_else(wrong)?);
        let variant = parts.next().unwrap_or_default();
        let word = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        if os.is_empty() || architecture.is_empty() || parts.next().is_some() || !text.split('/').all(word) {
            return Err(wrong());
        }
        Ok(Self { os: os.to_ascii_lowercase(), architecture: architecture.to_ascii_lowercase(), variant: variant.to_ascii_lowercase() }
            .normal())
    }

    /// Linux on this machine's architecture.
    pub(crate) fn host() -> Self {
        let architecture = std::env::consts::ARCH;
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: String::new() }.normal()
    }

    /// Whether anything is known.
    pub(crate) fn is_known(&self) -> bool {
        !self.os.is_empty() && !self.architecture.is_empty() && self.os != "unknown" && self.architecture != "unknown"
    }

    fn normal(mut self) -> Self {
        let (architecture, variant) = match (self.architecture.as_str(), self.variant.as_str()) {
            ("x86_64" | "x86-64", variant) => ("amd64", variant),
            ("i386" | "i686" | "x86", _) => ("386", ""),
            ("aarch64", variant) => ("arm64", variant),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            ("powerpc64le", variant) => ("ppc64le", variant),
            (architecture, variant) => (architecture, variant),
        };
        // `v8` is the only arm64 there is, and `v1` every amd64.
        let variant = match (architecture, variant) {
            ("arm64", "v8" | "8") | ("amd64", "v1") => "",
            ("arm", "7") => "v7",
            ("arm", "6") => "v6",
            ("arm", "5") => "v5",
            (_, variant) => variant,
        };
        let (architecture, variant) = (architecture.to_owned(), variant.to_owned());
        self.architecture = architecture;
        self.variant = variant;
        self
    }

    /// How well `offered` serves who wants `self`: `None` not at all, else the smaller the better.
    pub(crate) fn rank(&self, offered: &Self) -> Option<u32> {
        let offered = offered.clone().normal();
        if self.os != offered.os || self.architecture != offered.architecture {
            return None;
        }
        if self.variant == offered.variant {
            return Some(0);
        }
        let level = |variant: &str| variant.strip_prefix('v')?.parse::<u32>().ok();
        match (level(&self.variant), level(&offered.variant)) {
            // A machine runs what was built for less than it; the nearest is the best.
            (Some(wanted), Some(offered)) => wanted.checked_sub(offered),
            (Some(_), None) if self.architecture != "arm" => Some(50),
            // Nothing wanted: `arm` alone means v7, else the plainest.
            (None, Some(offered)) if self.variant.is_empty() && self.architecture == "arm" => Some(7_u32.abs_diff(offered) + 1),
            (None, Some(offered)) if self.variant.is_empty() => Some(100_u32.saturating_add(offered)),
            _ => None,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", printable(&self.os), printable(&self.architecture))?;
        if !self.variant.is_empty() {
            write!(f, "/{}", printable(&self.variant))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best<'a>(wanted: &str, offered: &[&'a str]) -> Option<&'a str> {
        let wanted = Platform::parse(wanted).expect("a platform");
        let parse = |text: &str| {
            let mut parts = text.split('/').map(str::to_owned);
            Platform {
                os: parts.next().unwrap_or_default(),
                architecture: parts.next().unwrap_or_default(),
                variant: parts.next().unwrap_or_default(),
            }
        };
        offered.iter().filter_map(|text| Some((wanted.rank(&parse(text))?, *text))).min_by_key(|(rank, _)| *rank).map(|(_, text)| text)
    }

    #[test]
    fn variants() {
        assert_eq!(best("linux/arm64", &["linux/amd64", "linux/arm64/v8"]), Some("linux/arm64/v8"));
        assert_eq!(best("linux/aarch64/v8", &["linux/arm64"]), Some("linux/arm64"));
        assert_eq!(best("linux/arm", &["linux/arm/v5", "linux/arm/v7", "linux/arm/v6"]), Some("linux/arm/v7"));
        assert_eq!(best("linux/arm/v6", &["linux/arm/v5", "linux/arm/v7"]), Some("linux/arm/v5"));
        assert_eq!(best("linux/arm/v5", &["linux/arm/v7"]), None);
        assert_eq!(best("linux/amd64", &["linux/amd64/v3", "linux/amd64"]), Some("linux/amd64"));
        assert_eq!(best("linux/amd64/v3", &["linux/amd64/v2", "linux/amd64"]), Some("linux/amd64/v2"));
        assert_eq!(best("linux/s390x", &["linux/amd64", "windows/amd64"]), None);
    }

    #[test]
    fn spelling() {
        assert_eq!(Platform::parse("Linux/x86_64").expect("a platform").to_string(), "linux/amd64");
        for text in ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/amd 64"] {
            assert!(Platform::parse(text).is_err(), "`{text}`");
        }
    }
}

//! Everything that parses what somebody else wrote, on input that nobody would write: it ends, and does not panic.

use std::io::Read;

use proptest::prelude::*;

use super::{
    ImageConfig, OpenOptions, Opened, Reference,
    archive::Expected,
    compression::{decompress, sniff},
    manifest,
    members::{Members, clean},
    platform::Platform,
    stream,
};

/// JSON that looks like a manifest's, and is wrong in any way.
fn json() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "schemaVersion",
        "mediaType",
        "manifests",
        "config",
        "layers",
        "annotations",
        "digest",
        "size",
        "platform",
        "history",
        "rootfs",
        "diff_ids",
        "Env",
        "Labels",
        "Healthcheck",
        "empty_layer",
        "created_by",
        "os",
        "urls",
        "x",
    ]);
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        Just("1e400".to_owned()),
        word.clone().prop_map(|w| format!("\"{w}\"")),
        Just(format!("\"sha256:{}\"", "0".repeat(64))),
        Just("\"\\ud800\"".to_owned()),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((word.clone(), inner), 0..6)
                .prop_map(|fields| format!("{{{}}}", fields.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect::<Vec<_>>().join(","))),
        ]
    })
}

/// A tar of entries that are all wrong in some field, with right checksums.
fn tar() -> impl Strategy<Value = Vec<u8>> {
    let entry = (any::<[u8; 12]>(), any::<u8>(), "[a-z./]{0,40}", 0_u64..2000, any::<bool>(), json());
    prop::collection::vec(entry, 0..6).prop_map(|entries| {
        let mut bytes = Vec::new();
        for (field, kind, name, size, lie, body) in entries {
            let mut header = tar::Header::new_gnu();
            let raw = header.as_mut_bytes();
            raw[..name.len()].copy_from_slice(name.as_bytes());
            raw[156] = kind % 128;
            header.set_size(size);
            if lie {
                header.as_mut_bytes()[124..136].copy_from_slice(&field);
            }
            header.set_cksum();
            bytes.extend_from_slice(header.as_bytes());
            let mut body = body.into_bytes();
            body.resize(size as usize, b' ');
            bytes.extend(body);
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
        bytes
    })
}

fn stream_ends(bytes: Vec<u8>) {
    let Opened::Stream(archive) = stream::open(Box::new(std::io::Cursor::new(bytes)), Expected::Any, "x", &OpenOptions::default()) else {
        return;
    };
    if let Ok(images) = archive.read(&mut |_, reader| drop(std::io::copy(reader, &mut std::io::sink()))) {
        for streamed in images {
            assert_eq!(streamed.image.layers.len(), streamed.keys.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn documents(text in json(), noise in any::<Vec<u8>>()) {
        for bytes in [text.as_bytes(), &noise] {
            let _ = manifest::parse(bytes, "x");
            let _ = ImageConfig::parse(bytes);
        }
    }

    #[test]
    fn names(text in any::<String>(), reference in "[a-z./:@A-Z0-9_-]{0,60}") {
        for text in [&text, &reference] {
            if let Ok(parsed) = Reference::parse(text) {
                prop_assert_eq!(Reference::parse(&parsed.to_string()), Ok(parsed), "the normal form is stable");
            }
            let _ = Platform::parse(text);
            if let Some(name) = clean(text) {
                prop_assert!(!name.split('/').any(|component| component == ".."));
            }
        }
    }

    #[test]
    fn archives(bytes in tar(), noise in any::<Vec<u8>>()) {
        for bytes in [bytes, noise] {
            let _ = sniff(&bytes);
            let mut members = Members::new(bytes.as_slice());
            while let Ok(Some(_)) = members.next() {
                let mut body = Vec::new();
                if members.body().read_to_end(&mut body).is_err() {
                    break;
                }
            }
            if let Ok(mut reader) = decompress(bytes.as_slice()) {
                let _ = std::io::copy(&mut reader, &mut std::io::sink());
            }
            stream_ends(bytes);
        }
    }

    #[test]
    fn whole_images(index in json(), saved in json(), config in json()) {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, body) in [("index.json", index), ("manifest.json", format!("[{{\"Config\":\"c\",\"Layers\":[\"l\",\"c\"],\"x\":{saved}}}]")), ("c", config)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(body.len() as u64);
            tar.append_data(&mut header, name, body.as_bytes()).expect("memory");
        }
        stream_ends(tar.into_inner().expect("memory"));
    }
}

//! Containers written by hand from their formats: a token is put in, and the scanner has to get it out again.

use std::io::Write;

use sha1::Digest;

/// A gzip file (RFC 1952).
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// A zlib stream (RFC 1950).
pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// A bzip2 file.
pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory")
}

/// An xz file of one block without a check, its content in one uncompressed chunk (<https://tukaani.org/xz/xz-file-format.txt>).
pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let with_sum = |bytes: &[u8]| [bytes, &crc32fast::hash(bytes).to_le_bytes()].concat();
    let flags = [0, 0];
    let chunk = u16::try_from(bytes.len() - 1).expect("one chunk").to_be_bytes();
    // One filter, LZMA2, with a dictionary of 4 KiB.
    let mut block = with_sum(&[2, 0, 0x21, 1, 0, 0, 0, 0]);
    block.extend([&[1][..], &chunk, bytes, &[0]].concat());
    let number = |mut value: usize| {
        let mut out = Vec::new();
        while value > 127 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
        out
    };
    let mut index = [vec![0, 1], number(block.len()), number(bytes.len())].concat();
    block.resize(block.len().next_multiple_of(4), 0);
    index.resize(index.len().next_multiple_of(4), 0);
    let index = with_sum(&index);
    let backward = (index.len() as u32 / 4 - 1).to_le_bytes();
    let end = [&backward[..], &flags].concat();
    [b"\xfd7zXZ\0", &with_sum(&flags)[..], &block, &index, &crc32fast::hash(&end).to_le_bytes(), &end, b"YZ"].concat()
}

/// A zip file (APPNOTE 6.3) of one member.
pub(crate) fn zip(name: &str, content: &[u8], stored: bool) -> Vec<u8> {
    let data = if stored {
        content.to_vec()
    } else {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).and_then(|()| encoder.finish()).expect("memory")
    };
    let mut fields: Vec<u8> = [0u16, if stored { 0 } else { 8 }, 0, 0].iter().flat_map(|field| field.to_le_bytes()).collect();
    fields.extend(crc32fast::hash(content).to_le_bytes());
    fields.extend((data.len() as u32).to_le_bytes());
    fields.extend((content.len() as u32).to_le_bytes());
    fields.extend((name.len() as u16).to_le_bytes());
    let mut file = [b"PK\x03\x04\x14\0", &fields[..], &[0; 2], name.as_bytes(), &data].concat();
    let directory = [b"PK\x01\x02\x14\0\x14\0", &fields[..], &[0; 12], &[0; 4], name.as_bytes()].concat();
    let (offset, size) = (file.len() as u32, directory.len() as u32);
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    file.extend(size.to_le_bytes());
    file.extend(offset.to_le_bytes());
    file.extend([0; 2]);
    file
}

/// A Debian package whose data member is a gzip tar (deb(5)).
pub(crate) fn deb(data: &[u8], control: &[u8]) -> Vec<u8> {
    let mut deb = b"!<arch>\n".to_vec();
    for (name, body) in [("debian-binary", &b"2.0\n"[..]), ("control.tar.gz", &gzip(control)), ("data.tar.gz", &gzip(data))] {
        deb.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, body.len()).into_bytes());
        deb.extend(body);
        deb.resize(deb.len().next_multiple_of(2), b'\n');
    }
    deb
}

/// A SQLite database with the table `settings` of these rows, each a text or a blob
/// (<https://www.sqlite.org/fileformat2.html>; two pages of 4096 bytes).
pub(crate) fn sqlite(rows: &[Result<&str, &[u8]>]) -> Vec<u8> {
    let sql = "CREATE TABLE settings(value)";
    let text = |text: &str| (13 + 2 * text.len() as u64, text.as_bytes().to_vec());
    let schema = record(&[text("table"), text("settings"), text("settings"), (1, vec![2]), text(sql)]);
    let cells: Vec<Vec<u8>> = rows
        .iter()
        .map(|row| match row {
            Ok(value) => record(&[text(value)]),
            Err(blob) => record(&[(12 + 2 * blob.len() as u64, blob.to_vec())]),
        })
        .collect();
    let mut header = b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20\0\0\0\x01\0\0\0\x02".to_vec();
    header.extend([0; 12]);
    // Schema format 4, text encoding UTF-8.
    header.extend([0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    header.resize(92, 0);
    header.extend([0, 0, 0, 1, 0, 0x2e, 0x5f, 0x18]);
    [leaf(header, &[schema]), leaf(Vec::new(), &cells)].concat()
}

/// A table leaf page; cells get the row ids 1, 2, ...
fn leaf(mut page: Vec<u8>, records: &[Vec<u8>]) -> Vec<u8> {
    let mut end = 4096;
    let mut pointers = Vec::new();
    let mut content = vec![0; 4096];
    for (row, record) in records.iter().enumerate() {
        let cell = [varint(record.len() as u64), varint(row as u64 + 1), record.clone()].concat();
        end -= cell.len();
        content[end..end + cell.len()].copy_from_slice(&cell);
        pointers.extend((end as u16).to_be_bytes());
    }
    page.extend([13, 0, 0]);
    page.extend((records.len() as u16).to_be_bytes());
    page.extend((end as u16).to_be_bytes());
    page.push(0);
    page.extend(pointers);
    page.resize(end, 0);
    page.extend(&content[end..]);
    page
}

fn record(values: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let types: Vec<u8> = values.iter().flat_map(|(kind, _)| varint(*kind)).collect();
    let mut out = varint(types.len() as u64 + 1);
    out.extend(types);
    values.iter().for_each(|(_, value)| out.extend(value));
    out
}

fn varint(value: u64) -> Vec<u8> {
    assert!(value < 1 << 14, "two bytes are enough for tests");
    if value < 128 { vec![value as u8] } else { vec![0x80 | (value >> 7) as u8, value as u8 & 0x7f] }
}

/// A PDF of one content stream, compressed or not (ISO 32000-1, 7.3.8).
pub(crate) fn pdf(text: &str, flate: bool) -> Vec<u8> {
    let content = format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET");
    let (filter, stream) = if flate { ("/Filter /FlateDecode ", zlib(content.as_bytes())) } else { ("", content.into_bytes()) };
    let mut pdf = format!("%PDF-1.4\n1 0 obj\n<< {filter}/Length {} >>\nstream\n", stream.len()).into_bytes();
    pdf.extend(stream);
    pdf.extend(b"\nendstream\nendobj\ntrailer\n<< >>\n%%EOF\n");
    pdf
}

/// A blob as a loose object of git: (its path below `objects`, the file).
pub(crate) fn loose_object(content: &[u8]) -> (String, Vec<u8>) {
    object("blob", content)
}

/// The same of any kind.
pub(crate) fn object(kind: &str, content: &[u8]) -> (String, Vec<u8>) {
    let object = [format!("{kind} {}\0", content.len()).as_bytes(), content].concat();
    let id = data_encoding::HEXLOWER.encode(&sha1::Sha1::digest(&object));
    (format!("{}/{}", &id[..2], &id[2..]), zlib(&object))
}

/// A pack of git with one blob (gitformat-pack(5)).
pub(crate) fn pack(content: &[u8]) -> Vec<u8> {
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
    let (mut size, kind) = (content.len() >> 4, 3u8 << 4 | (content.len() & 15) as u8);
    pack.push(if size > 0 { kind | 0x80 } else { kind });
    while size > 0 {
        pack.push((size & 0x7f) as u8 | if size > 127 { 0x80 } else { 0 });
        size >>= 7;
    }
    pack.extend(zlib(content));
    let sum = sha1::Sha1::digest(&pack);
    pack.extend(sum);
    pack
}
